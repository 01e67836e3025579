"""Code on a page is either run or says why it is not."""

from __future__ import annotations

import re

import pytest
from docs.markdown import PAGES, blocks
from docs.page import EVALUATORS

READ = {"json", "html", "py", "javascript", "go"}
"""Languages of blocks that a test in this folder reads, or one of those in a browser."""

DRAWING = ""

FEW = 8
"""Blocks that can't run here: a unit for systemd, an image for containers, an SDK from npm, a chat for browsers."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_has_a_language_that_is_run_or_a_reason_why_not(page):
    skipped = len(re.findall(r"<!--- skip: next \"[^\"]+\" -->", page.read_text(encoding="utf-8")))
    unknown = [language for language, _ in blocks(page) if language not in {*EVALUATORS, *READ, DRAWING}]

    assert unknown == []
    assert skipped == len(re.findall(r"skip: ", page.read_text(encoding="utf-8"))), "each skip gives its reason"


def test_few_blocks_are_left_out():
    assert sum(page.read_text(encoding="utf-8").count("skip: next") for page in PAGES) <= FEW
