"""A page notices what went wrong after what was expected had appeared."""

from __future__ import annotations

import pytest
from docs.page import Page
from docs.terminal import SECONDS


def test_javascript_that_has_ended_must_have_succeeded():
    page = Page(clone=False)
    page.run_javascript('console.log("shown"); throw new Error("too late");')
    page.expect("…shown…")
    page.terminals[-1].process.wait(SECONDS)

    with pytest.raises(AssertionError, match="exit code 1:"):
        page.close()


@pytest.mark.parametrize("then", ["", "setInterval(() => {}, 1000);"])
def test_javascript_may_succeed_or_go_on(then):
    page = Page(clone=False)
    page.run_javascript(f'console.log("shown"); {then}')
    page.expect("shown")

    page.close()
