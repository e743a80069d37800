"""Work that training need not wait for, such as drawing, in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Background:
    """Runs one call at a time in a thread.

    An error of a call is raised by the next `run` or `wait`.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._call: Future | None = None

    def run(self, call: Callable[..., object], *arguments: Any) -> None:
        """Waits for the call before, then starts `call(*arguments)`."""
        self.wait()
        self._call = self._pool.submit(call, *arguments)

    def wait(self) -> None:
        """Waits for the call that runs, if there is one."""
        call, self._call = self._call, None
        if call is not None:
            call.result()
