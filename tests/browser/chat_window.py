"""A window shows the chat to one person, and is used as somebody would who sees it: by labels, roles and words."""

from __future__ import annotations

import re
from typing import Any


class ChatWindow:
    """Hold a page of the browser; `errors` is what its console complains of, `addresses` whom it asked."""

    def __init__(self, page: Any, expect: Any, url: str) -> None:
        self.page = page
        self.expect = expect
        self.errors: list[str] = []
        self.addresses: set[str] = set()
        page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.addresses.add(request.url))
        page.on("websocket", lambda socket: self.addresses.add(socket.url))
        page.goto(url)

    def log_in(self, name: str) -> None:
        """Log in, by the keyboard alone, and wait until the gateway has let the page in."""
        self.page.get_by_label("Your name").fill(name)
        self.page.keyboard.press("Enter")
        self.wait_state("Online")

    def log_out(self) -> None:
        """Log out, and wait until the page asks who somebody is."""
        self.page.get_by_role("button", name="Log out").click()
        self.expect(self.page.get_by_label("Your name")).to_be_focused()

    def wait_state(self, state: str) -> None:
        """Wait until the page says this of its connection."""
        self.expect(self.page.get_by_role("status")).to_have_text(state)

    def entry(self, name: str) -> Any:
        """Find a conversation in the list."""
        return self.page.get_by_role("navigation").get_by_role("link").filter(has_text=name)

    def open(self, name: str) -> None:
        """Open a conversation, and wait until what was said there can be seen."""
        self.entry(name).click()
        self.wait_open(name)

    def wait_open(self, name: str) -> None:
        """Wait until a conversation is open."""
        self.expect(self.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()
        self.expect(self.page.get_by_role("log")).to_have_attribute("aria-busy", "false")

    def say(self, text: str) -> None:
        """Write a message, and press Enter."""
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")

    def wait_said(self, *texts: str) -> None:
        """Wait until the conversation shows these messages, in this order, each once, and no others."""
        self.expect(self.page.get_by_role("log").locator(".bubble")).to_have_text(texts)
        self.expect(self.page.get_by_role("log").get_by_text("Waiting to be sent")).to_have_count(0)

    def wait_unread(self, name: str, count: int) -> None:
        """Wait until a conversation has so many unread messages."""
        badge = self.entry(name).locator(".badge")
        if count:
            self.expect(badge).to_have_text(f"{count} unread")
        else:
            self.expect(badge).to_have_count(0)

    def wait_title(self, title: str) -> None:
        """Wait until the window's title is this one."""
        self.expect(self.page).to_have_title(re.compile(f"^{re.escape(title)}$"))

    def wait_here(self, *names: str) -> None:
        """Wait until these are who is here."""
        here = self.page.get_by_role("region", name="Who is here").locator(".name")
        self.expect(here).to_have_text(names)

    def reload(self) -> None:
        """Load the page anew, and wait until it is connected."""
        self.page.reload()
        self.wait_state("Online")

    @property
    def width(self) -> int:
        """Measure how wide the page is, which is wider than the window where it has to be scrolled."""
        return self.page.evaluate("document.documentElement.scrollWidth")
