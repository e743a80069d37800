"""Runs in the process under test: tries inputs of one class and prints a verdict for each.

    python -m benchmarks.fuzz.worker FOLDER CLASS SEED FIRST END

Prints a line `try NUMBER` before and `VERDICT NUMBER REASON` after each input, so that its parent
knows on which one the process ended.
"""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.common import peak_memory
from benchmarks.fuzz.classes import CLASSES
from benchmarks.fuzz.targets import Target
from tf_melgan.errors import UserInputError

MEMORY = 1 << 30
# Beyond what is mapped already: an allocation that large fails rather than fill the machine.
_ADDRESS_SPACE = 6 << 30
_INPUT_SECONDS = 60
_PAGE = os.sysconf("SC_PAGE_SIZE")


def verdict(target: Target, source: Path, case: Path, fresh: int) -> tuple[str, str]:
    """Reads one damaged file; returns "refused", "right" or "wrong", and why.

    `fresh` has the bytes of a process that has read the good files alone. What libraries keep of
    the inputs before does not count.
    """
    before = _resident()
    _reset_peak()
    try:
        result = target.load(case)
    except UserInputError as error:
        line = str(error)
        outcome = ("refused", line) if line.isprintable() else ("wrong", f"not a line: {line!r}")
        if len(line) > 1000:
            outcome = "wrong", f"a line of {len(line)} characters: {line[:200]}"
    except Exception as error:
        outcome = "wrong", f"{type(error).__name__}: {error!s:.300}"
    else:
        right = target.holds(result, source, case)
        outcome = ("right", "") if right else ("wrong", "another result than that of the good file")
    peak = fresh + peak_memory() - before
    return ("wrong", f"{peak >> 20} MB of memory") if peak > MEMORY else outcome


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def main() -> None:
    folder, name, seed, first, end = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    # Engines write to standard output and error as they like: verdicts go to a copy of it.
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    target = CLASSES[name](folder)
    for source in target.sources:
        target.load(source)
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = mapped * _PAGE + _ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    fresh = _resident()
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(first, end):
            draw = random.Random(f"{name} {seed} {number}")
            source = draw.choice(target.sources)
            case = Path(scratch) / f"{number}{source.suffix}"
            target.write(source, case, draw)
            print("try", number, file=report)
            signal.alarm(_INPUT_SECONDS)
            outcome, reason = verdict(target, source, case, fresh)
            signal.alarm(0)
            print(outcome, number, f"{reason!r}", file=report)
            if case.is_dir():
                shutil.rmtree(case)
            else:
                case.unlink()


if __name__ == "__main__":
    main()
