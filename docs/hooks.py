"""Takes files that lie outside docs/ into the site, and points links at them.

A link such as `../configs/lj.yaml` works where the repository is read. In the site, the files of
`_INCLUDED` are pages and downloads of their own; a link to any other file becomes plain text.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_INCLUDED = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "configs/*.yaml",
    "export/clients/README.md",
    "export/clients/*/README.md",
    "tf_melgan/voices/*.md",
)
_LINK = re.compile(r"(?P<text>!?\[[^\]]*\])\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the files of `_INCLUDED`, under the paths that they have in the repository."""
    for pattern in _INCLUDED:
        for path in sorted(_ROOT.glob(pattern)):
            name = path.relative_to(_ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Rewrites a page's relative links from places in the repository to places in the site."""
    source = page.file.src_uri
    in_docs = (_ROOT / "docs" / source).is_file()
    place = posixpath.dirname(f"docs/{source}" if in_docs else source)

    def rewritten(link: re.Match[str]) -> str:
        target = link["target"]
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        there = posixpath.normpath(posixpath.join(place, target))
        there = there.removeprefix("docs/")
        if (_ROOT / there).is_dir() and files.get_file_from_path(f"{there}/README.md"):
            there += "/README.md"
        if files.get_file_from_path(there):
            way = posixpath.relpath(there, posixpath.dirname(source) or ".")
            return f"{link['text']}({way}{link['anchor'] or ''})"
        # Whatever is in the repository but not in the site; a missing file stays a broken link.
        return link["text"][1:-1] if (_ROOT / there).exists() else link[0]

    return _LINK.sub(rewritten, markdown)
