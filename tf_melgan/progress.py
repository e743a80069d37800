"""How long work shows where it is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from typing import TextIO

_PLAIN_SECONDS = 10.0
_BAR_SECONDS = 0.1


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Counts `total` things of a `unit`; use it as a context manager and call `advance`.

    Args:
        total: how many there are.
        title: what is being done, in a word or two.
        unit: what is counted, in the plural.
        done: how many were done before this run began (they do not count for the rate).
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
        self.total, self.title, self.unit = total, title, unit
        self.done = self._before = done
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = self._shown = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._show("")
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Counts `count` more as done; `note` (a loss, a file name) is shown at the end."""
        self.done += count
        pause = _BAR_SECONDS if self._terminal else _PLAIN_SECONDS
        if time.monotonic() - self._shown >= pause:
            self._show(note)

    def line(self, text: str) -> None:
        """Writes a line of its own, above the bar."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
        self._stream.write(text + "\n")
        self._stream.flush()

    def _show(self, note: str) -> None:
        self._shown = time.monotonic()
        text = f"{self.title} {self.done}/{self.total} {self.unit}"
        if self.done > self._before:
            rate = (self.done - self._before) / max(self._shown - self._start, 1e-9)
            text += f", {rate:.3g}/s, {_clock((self.total - self.done) / rate)} left"
        text += f"  {note}" if note else ""
        if self._terminal:
            filled = round(20 * self.done / max(self.total, 1))
            self._stream.write(f"\r\x1b[K[{'#' * filled}{'.' * (20 - filled)}] {text}")
        else:
            self._stream.write(text + "\n")
        self._stream.flush()
