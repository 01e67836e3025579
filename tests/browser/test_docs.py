"""The page that the docs show runs, with the module that the gateway serves."""

from __future__ import annotations

import pytest
from browser.conftest import started
from browser.site import serving
from docs.markdown import ROOT, blocks
from e2e.gateway_process import GatewayProcess

(IN_A_PAGE,) = [text for language, text in blocks(ROOT / "docs/javascript.md") if language == "html"]


@pytest.fixture
def insecure_gateway(browser, tmp_path):
    """Give the gateway that the page of the docs is for, but for its port."""
    yield from started(GatewayProcess(tmp_path, "--insecure"))


def test_the_page_of_the_docs_runs_with_the_module_that_the_gateway_serves(browser, insecure_gateway, tmp_path):
    page = IN_A_PAGE.replace(":8000/", f":{insecure_gateway.port}/")
    (tmp_path / "site").mkdir()
    with serving(tmp_path / "site") as origin, browser.new_context() as context:
        (tmp_path / "site" / "docs.html").write_text(page, encoding="utf-8")
        tab = context.new_page()
        with tab.expect_console_message(lambda said: said.text.endswith("from a page")):
            tab.goto(f"{origin}/docs.html")
