"""What the pages show of the examples stands in them, line by line."""

from __future__ import annotations

import pytest
from docs.markdown import PAGES, ROOT, blocks

ENDINGS = {"py": ".py", "javascript": ".js", "go": ".go"}
"""By the language of a block that is a part of an example; what a page itself runs is `python` and `js`."""

EXCERPTS = [(language, text) for page in PAGES for language, text in blocks(page) if language in ENDINGS]


def sources(ending: str) -> list[str]:
    found = [path for path in (ROOT / "examples").rglob(f"*{ending}") if "node_modules" not in path.parts]
    return [path.read_text(encoding="utf-8") for path in found]


@pytest.mark.parametrize(("language", "text"), EXCERPTS, ids=[language for language, _ in EXCERPTS])
def test_an_excerpt_stands_in_an_example(language, text):
    assert any(text in source for source in sources(ENDINGS[language]))


def test_each_language_of_the_examples_is_shown():
    assert {language for language, _ in EXCERPTS} == {*ENDINGS}
