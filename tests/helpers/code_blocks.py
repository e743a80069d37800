"""The code blocks of a Markdown page, and a program that runs them.

    python tests/helpers/code_blocks.py README.md

runs a page's ```bash, ```console and ```python blocks from top to bottom in the current folder, the
Python ones in one namespace, and stops at the first that fails. A comment right before a block,
`<!-- not run: the reason -->`, leaves it out.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_SHELLS = ("bash", "sh", "shell", "console")
_NOT_RUN = re.compile(r"<!--\s*not run\b:?(.*?)-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: the language after the fence, or "".
        code: its content.
        line: the line number of its first line on the page, from 1.
        left_out: the reason why it is not run ("" if the comment gives none), or None.
    """

    language: str
    code: str
    line: int
    left_out: str | None

    @property
    def runs(self) -> bool:
        return self.left_out is None and self.language in (*_SHELLS, "python")


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page in order, including those in lists and notes."""
    reason: str | None = None
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language = token.info.split()[0] if token.info.split() else ""
            assert token.map is not None
            yield Block(language, token.content, token.map[0] + 2, reason)
        comment = _NOT_RUN.search(token.content) if token.type == "html_block" else None
        reason = comment[1].strip() if comment else None


def stray_comments(page: Path) -> int:
    """The number of `not run` comments that no block follows."""
    comments = len(_NOT_RUN.findall(page.read_text(encoding="utf-8")))
    return comments - sum(block.left_out is not None for block in blocks(page))


def indented_blocks(page: Path) -> list[int]:
    """The line numbers of indented code blocks, which are never run."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [token.map[0] + 1 for token in tokens if token.type == "code_block" and token.map]


def run(page: Path) -> int:
    """Runs a page's blocks in the current folder. Returns the number of blocks that ran.

    Raises:
        Exception: whatever a block raises; `CalledProcessError` if it is a command that fails.
    """
    namespace: dict = {"__name__": "__main__"}
    ran = 0
    for block in blocks(page):
        if not block.runs:
            continue
        print(f"-- {page.name}:{block.line}", flush=True)
        if block.language == "python":
            # Empty lines in front make tracebacks show the page's line numbers.
            exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), namespace)
        else:
            command = block.code
            if block.language == "console":
                command = "\n".join(re.findall(r"^\$ (.+)$", block.code, re.MULTILINE))
            subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)
        ran += 1
    return ran


if __name__ == "__main__":
    print(f"{run(Path(sys.argv[1]))} blocks ran")
