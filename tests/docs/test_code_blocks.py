"""The commands and the Python of README.md and docs/: every block runs, or says why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import code_blocks
from helpers.speech import recordings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNING = [page for page in PAGES if any(block.runs for block in code_blocks.blocks(page))]
FEWEST = 30


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the pages begin with: `recordings/`, one of them to validate on, and `held-out/`."""
    places = ["recordings/train"] * 5 + ["recordings/validation"] + ["held-out"] * 2
    for place, path in zip(places, recordings(8), strict=True):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.docs
@pytest.mark.parametrize("page", RUNNING, ids=name)
def test_every_block_runs(page: Path, folder: Path) -> None:
    """In one process a page and a new folder, so that each can be read by itself."""
    here = Path(sys.executable).parent
    done = subprocess.run(
        [sys.executable, code_blocks.__file__, page],
        cwd=folder,
        env={
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "",
            "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-10_000:]
    expected = sum(block.runs for block in code_blocks.blocks(page))
    assert done.stdout.splitlines()[-1] == f"{expected} blocks ran"


def test_enough_blocks_run() -> None:
    ran = sum(block.runs for page in PAGES for block in code_blocks.blocks(page))
    assert ran >= FEWEST
    assert ROOT / "README.md" in RUNNING


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_block_is_left_out_by_mistake(page: Path) -> None:
    for block in code_blocks.blocks(page):
        place = f"{name(page)}:{block.line}"
        assert block.language, f"{place}: the fence names no language; `text` is one"
        if block.left_out is not None:
            assert len(block.left_out) >= 5, f"{place}: say why it is not run"
    assert code_blocks.stray_comments(page) == 0
    assert code_blocks.indented_blocks(page) == []


def test_a_failing_block_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo one > out\nprinted\n$ false | cat\n```\n\n"
        "<!-- not run: no such command -->\n```bash\nno-such-command\n```\n\n"
        "- in a list\n\n  ```python\n  text = open('out').read()\n  ```\n"
    )
    assert [block.runs for block in code_blocks.blocks(page)] == [True, False, True]
    run = [sys.executable, code_blocks.__file__, page]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "page.md:2" in done.stdout
    page.write_text(page.read_text().replace("false", "true"))
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "2 blocks ran", done.stderr
    page.write_text(page.read_text() + "\n```python\nassert text == 'two'\n```\n")
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and 'page.md", line 19' in done.stderr
