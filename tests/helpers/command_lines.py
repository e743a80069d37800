"""Runs command lines in a folder, and checks the one line that each error is."""

import re
from pathlib import Path

from tf_melgan.cli.main import main

EXPORTS = {"tflite", "saved-model", "weights", "int8", "int8-dynamic"}
COMMANDS = {"train", "vocode", "evaluate", "prepare", "export"}
LITERALS = COMMANDS | {
    "training.batch",
    "melgan",
    "paper",
    "2",
    "-1",
    "-3",
    "-",
    "lj-lite",
    "her",
    "hifgan",
    "hifigan",
    "espnet",
    "float16",
    *EXPORTS,
}


def run(workspace: Path, words: str) -> int:
    """Runs a command line; its paths are relative to the workspace."""
    literal = (word in LITERALS or "=" in word or word.startswith("-") for word in words.split())
    return main(
        [x if y else str(workspace / x) for x, y in zip(words.split(), literal, strict=True)]
    )


def with_paths(workspace: Path, line: str) -> str:
    """Replaces `{path}` by that path in the workspace, and `{*.npy}` by the only match."""

    def path(match: re.Match) -> str:
        (found,) = workspace.glob(match[1]) if "*" in match[1] else [workspace / match[1]]
        return str(found)

    return re.sub(r"\{(.*?)\}", path, line)


def assert_one_line(workspace: Path, words: str, line: str, capsys) -> None:
    """Asserts that a command line ends with exit status 2 and `line`, and writes nothing."""
    assert run(workspace, words) == 2
    # Lines above it may show progress.
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"tf-melgan: {with_paths(workspace, line)}"
    assert not (workspace / "out").exists() and not (workspace / "run").exists()
