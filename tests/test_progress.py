"""Progress: lines without a terminal, and a bar on one."""

import io
import re

import pytest

from tf_melgan import progress
from tf_melgan.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock in seconds that only the test advances."""
    seconds = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: seconds[0])
    return seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_have_the_rate_and_the_time_left(clock):
    stream = io.StringIO()
    with Progress(7400, "train", done=200, stream=stream) as bar:
        clock[0] = 1
        bar.advance(2)  # too soon for a line
        clock[0] = 10
        bar.advance(18, "loss 1")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "train 220/7400 steps, 2/s, 59:50 left  loss 1"


def test_time_left_includes_hours(clock):
    stream = io.StringIO()
    with Progress(7221, "train", stream=stream) as bar:
        bar.advance()
        clock[0] = 20
        bar.advance(20)
    assert stream.getvalue().splitlines()[0] == "train 21/7221 steps, 1/s, 2:00:00 left"


def test_the_time_left_does_not_count_what_the_first_step_waited_for(clock, monkeypatch):
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    streams = [io.StringIO(), Terminal()]
    for stream in streams:
        clock[0] = 0
        with Progress(1001, "train", stream=stream) as bar:
            clock[0] = 90  # the step is compiled
            bar.advance()
            for _ in range(100):
                clock[0] += 0.5
                bar.advance()
    lines = streams[0].getvalue().splitlines()
    assert lines[0] == "train 1/1001 steps"
    assert all(", 2/s, " in line for line in lines[1:]) and "07:30 left" in lines[-2]
    bars = streams[1].getvalue().replace("\r", "\n").splitlines()
    assert "101/1001 [00:50<07:25," in bars[-1]


def test_no_rate_without_new_steps(clock):
    stream = io.StringIO()
    with Progress(100, "train", done=100, stream=stream):
        clock[0] = 1
    assert stream.getvalue() == "train 100/100 steps\n"


def test_a_terminal_shows_a_bar_and_lines_above_it():
    stream = Terminal()
    with Progress(4, "prepare", "files", stream=stream) as bar:
        bar.advance(2, "b.wav")
        bar.line("a.wav: silent")
        bar.advance(2)
    text = stream.getvalue()
    # Each redraw begins at the start of the terminal's line.
    assert "prepare:  50%" in text and "2/4" in text and "b.wav" in text
    assert "\ra.wav: silent\n" in re.sub(r"\r +\r", "\r", text)
    assert "prepare: 100%" in text.split("a.wav: silent")[1] and text.endswith("\n")
