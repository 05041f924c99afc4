"""Links of the documentation to files outside ``docs/``, for mkdocs (``hooks`` in mkdocs.yml).

On a forge such a link opens the file in the repository. The site has no repository behind it, so the file is copied
into it as text below ``source/``, and the link leads there. A link to a file that does not exist stays as it is, and
``mkdocs build --strict`` refuses it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\((\.\./[^)#\s]+)\)")


def outside(page: str, link: str) -> str | None:
    """The path from the repository's root of what a page links to; None where it is inside ``docs/`` or no file.

    Parameters
    ----------
    page : path of the page below ``docs/``, with slashes.
    link : as written on the page, relative to it.
    """
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if path.startswith(("docs/", "..")) or not (ROOT / path).is_file() else path


def _copy_of(path: str) -> str:
    return f"source/{path}.txt"


def on_files(files: Files, *, config: Any) -> Files:
    """Add a copy of each file outside ``docs/`` that a page links to."""
    wanted = {
        path
        for page in files.documentation_pages()
        for link in _LINK.findall(page.content_string)
        if (path := outside(page.src_uri, link))
    }
    for path in sorted(wanted):
        files.append(File.generated(config, _copy_of(path), content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Lead the links to those files to their copies."""
    here = page.file.src_uri

    def lead(match: re.Match[str]) -> str:
        path = outside(here, match[1])
        return match[0] if path is None else f"]({posixpath.relpath(_copy_of(path), posixpath.dirname(here) or '.')})"

    return _LINK.sub(lead, markdown)
