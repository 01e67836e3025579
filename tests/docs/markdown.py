"""Reads the pages of the docs: their fenced blocks and their tables."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "clients").glob("*/README.md"))]


def tokens_of(page: Path):
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[tuple[str, str]]:
    """Give the language and the text of each fenced block."""
    return [(token.info.strip(), token.content) for token in tokens_of(page) if token.type == "fence"]


def table_under(page: Path, heading: str, *, number: int = 0) -> list[list[str]]:
    """Give the rows of a table (the first one, or a later one) between a heading and the next; code without its ticks."""
    tables: list[list[list[str]]] = []
    inside = False
    previous = None
    for token in tokens_of(page):
        if token.type == "inline" and previous == "heading_open":
            inside = token.content == heading
        elif inside and token.type == "table_open":
            tables.append([])
        elif inside and token.type == "tr_open":
            tables[-1].append([])
        elif inside and token.type == "inline" and previous in ("td_open", "th_open"):
            tables[-1][-1].append(token.content)
        previous = token.type
    return [[cell.strip("`") for cell in row] for row in tables[number][1:]]
