"""Progress of long tasks: a tqdm bar on a terminal, a plain line every 10 seconds elsewhere."""

import sys
import time
from typing import TextIO

from tqdm import tqdm

_PLAIN_SECONDS = 10.0


class Progress:
    """Shows the progress of a task; use it as a context manager and call `advance`.

    Args:
        total: number of items.
        title: a short name of the task.
        unit: name of the items, in the plural.
        done: number of items finished before this run; they do not count for the rate.
        stream: where to write; standard error by default.
    """

    def __init__(
        self,
        total: int,
        title: str,
        unit: str = "steps",
        done: int = 0,
        stream: TextIO | None = None,
    ):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._title, self._unit = title, unit
        self._start: float | None = None
        self._shown = time.monotonic()
        self._before = self._done = done
        self._total = total
        self._bar = tqdm(
            total=total,
            desc=title,
            unit=f" {unit}",
            initial=done,
            file=self._stream,
            dynamic_ncols=True,
            disable=not self._terminal,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if not self._terminal:
            self._plain_line("")
        self._bar.close()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Adds `count` finished items; `note` (a loss, a file name) is shown at the end."""
        self._done += count
        if self._start is None:
            # The first item counts for no rate: it may have waited for a compilation.
            self._start, self._before = time.monotonic(), self._done
            self._bar.unpause()
        if self._terminal:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._shown >= _PLAIN_SECONDS:
            self._plain_line(note)

    def line(self, text: str) -> None:
        """Writes a separate line above the bar."""
        if self._terminal:
            tqdm.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def _plain_line(self, note: str) -> None:
        self._shown = time.monotonic()
        text = f"{self._title} {self._done}/{self._total} {self._unit}"
        if self._start is not None and self._done > self._before:
            rate = (self._done - self._before) / max(self._shown - self._start, 1e-9)
            left = tqdm.format_interval((self._total - self._done) / rate)
            text += f", {rate:.3g}/s, {left} left"
        print(text + (f"  {note}" if note else ""), file=self._stream, flush=True)
