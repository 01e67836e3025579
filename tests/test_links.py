"""Every local link of the README, the docs and the examples leads to a file that exists, and to a heading in it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
FOLDERS = ("*.md", "docs/**/*.md", "clients/*/*.md", "examples/*/*.md")
PAGES = [page for folder in FOLDERS for page in sorted(ROOT.glob(folder)) if page.is_file()]


def links(page: Path) -> list[str]:
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    children = [child for token in tokens for child in token.children or ()]
    targets = [child.attrGet("href") or child.attrGet("src") for child in children]
    return [target for target in targets if target and not re.match(r"[a-z][a-z+.-]*:", target)]


def anchors(page: Path) -> set[str]:
    """Name a page's headings the way code hosts do: lower case, no punctuation, dashes for blanks."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    pairs = itertools.pairwise(tokens)
    titles = [
        "".join(child.content for child in text.children) for opening, text in pairs if opening.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def is_dead(page: Path, link: str) -> bool:
    name, _, anchor = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_local_links_lead_somewhere(page):
    assert [link for link in links(page) if is_dead(page, link)] == []
