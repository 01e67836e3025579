"""The README's browser JavaScript runs where the README says: in the developer console of the admin page."""

from __future__ import annotations

import pytest
from docs.markdown import ROOT, blocks

(LINES,) = [text for language, text in blocks(ROOT / "README.md") if language == "js"]


@pytest.fixture
def tab(open_tab, own_gateway):
    """Give a tab of the user that the README's lines are written for, who has no messages yet."""
    tab = open_tab(own_gateway, user="7")
    tab.wait_connected()
    return tab


def test_the_lines_greet_send_and_receive(tab):
    with tab.until_printed("hello"), tab.until_printed("message {text: hi from a browser}"):
        tab.paste_into_console(LINES)

    assert tab.errors == []


def test_the_page_gets_what_the_lines_send(tab):
    tab.paste_into_console(LINES)

    tab.wait_entry("hi from a browser", "from user 7")


def test_the_lines_receive_what_a_back_end_publishes(tab):
    with tab.until_printed("ok"):
        tab.paste_into_console(LINES)
    with tab.until_printed("message {text: from a back end}"), tab.gateway.publisher() as publisher:
        publisher.send_to_user("7", {"text": "from a back end"})


def test_there_are_ten_lines():
    assert len(LINES.splitlines()) == 10
