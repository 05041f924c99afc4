"""Links of README and docs/ lead to files and headings that are there, as a forge shows them and as the site does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guide.shown_messages import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(text: str) -> set[str]:
    """The anchors that a forge gives a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S), re.MULTILINE):
        bare = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", bare).replace(" ", "-"))
    return found


def links(page: Path) -> list[str]:
    return LINK.findall(without_code(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else Path(os.path.normpath(page.parent / path))
        if not target.is_file():  # a folder has no page on the site
            wrong.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            wrong.append(f"{link}: no such heading")
    assert not wrong, wrong


def test_there_are_links_to_be_checked() -> None:
    assert sum(len(links(page)) for page in PAGES) > 120
    assert "continue-10" in anchors("## Continue (+10)\n")
    assert "the-figures---json-file" in anchors("## The figures (`--json FILE`)\n")


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES[1:])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that make the site, so that a page can be added to them."""
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    pytest.importorskip("pymdownx", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("checkout")
    targets = {Path(os.path.normpath(page.parent / link.partition("#")[0])) for page in PAGES for link in links(page)}
    outside = {path.relative_to(ROOT) for path in targets if path.is_file() and DOCS not in path.parents}
    assert outside
    for name in ("daemon/packaging/site_links.py", "reaper_scripts/lib/settings.lua", *outside):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(DOCS, folder / "docs")
    return folder


def build(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"],
        capture_output=True, text=True, check=False, cwd=checkout, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.extra
def test_the_site_is_built_without_a_warning(checkout: Path) -> None:
    done = build(checkout)
    assert done.returncode == 0, done.stderr
    site = checkout / "build" / "site"
    assert (site / "index.html").is_file()
    assert (site / "guide" / "first-minutes.html").is_file()
    asked = [
        (page.name, address)
        for page in site.rglob("*.html")
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text("utf-8"))
    ]
    assert not asked, "the site asks other servers"


@pytest.mark.extra
@pytest.mark.parametrize(
    "link", ["nowhere.md", "first-minutes.md#nowhere", "../../nowhere.py", "../../docs/", "/guide"]
)
def test_a_link_that_leads_nowhere_fails_the_site(checkout: Path, link: str) -> None:
    page = checkout / "docs" / "guide" / "faq.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(f"{before}\n[wrong]({link})\n", encoding="utf-8")
    try:
        assert build(checkout).returncode != 0
    finally:
        page.write_text(before, encoding="utf-8")


@pytest.mark.extra
def test_a_link_out_of_docs_leads_to_a_copy(checkout: Path) -> None:
    page = checkout / "docs" / "guide" / "faq.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(f"{before}\n[script](../../reaper_scripts/lib/settings.lua)\n", encoding="utf-8")
    try:
        done = build(checkout)
        assert done.returncode == 0, done.stderr
        site = checkout / "build" / "site"
        assert 'href="../source/reaper_scripts/lib/settings.lua.txt"' in (site / "guide" / "faq.html").read_text(
            "utf-8"
        )
        copy = site / "source" / "reaper_scripts" / "lib" / "settings.lua.txt"
        assert copy.read_bytes() == (ROOT / "reaper_scripts" / "lib" / "settings.lua").read_bytes()
    finally:
        page.write_text(before, encoding="utf-8")
