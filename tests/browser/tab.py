"""A tab shows the page of a gateway to one user, and is used as somebody would who sees it: by labels, roles and words."""

from __future__ import annotations

from typing import Any

from e2e.gateway_process import GatewayProcess


class Tab:
    """Hold a page of the browser; `errors` is what its console complains of, `addresses` whom it asked.

    `expect` is Playwright's: it waits until what is expected is so.
    """

    def __init__(self, page: Any, expect: Any, gateway: GatewayProcess, user: str) -> None:
        self.page = page
        self.expect = expect
        self.gateway = gateway
        self.user = user
        self.errors: list[str] = []
        self.addresses: set[str] = set()
        page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.addresses.add(request.url))
        page.on("websocket", lambda socket: self.addresses.add(socket.url))
        page.goto(f"http://127.0.0.1:{gateway.admin_port}/?user={user}")

    def wait_connected(self) -> None:
        """Wait until the page says that it is connected."""
        self.wait_status("connected")

    def wait_status(self, status: str) -> None:
        """Wait until the page's status is this one."""
        self.expect(self.page.get_by_role("status")).to_have_text(status)

    def wait_entry(self, text: str, says: str, kind: str = "message") -> None:
        """Wait until the log has exactly one line of a kind with this text, and that line says this as well."""
        lines = self.page.get_by_role("log").get_by_role("listitem").filter(has_text=text)
        lines = lines.and_(self.page.locator(f".{kind}"))
        self.expect(lines).to_have_count(1)
        self.expect(lines).to_contain_text(says)

    def wait_offsets(self, *offsets: str) -> None:
        """Wait until the log shows the messages of these offsets, newest first."""
        self.expect(self.page.locator(".message .offset")).to_have_text(offsets)

    def click(self, button: str) -> None:
        """Click the button of this name."""
        self.page.get_by_role("button", name=button, exact=True).click()

    def send(self, text: str, *, to: str) -> None:
        """Send a message by the keyboard alone."""
        self.page.get_by_label("To user").fill(to)
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")

    def paste_into_console(self, script: str) -> None:
        """Run a script as the developer console does, which allows `await`; raises AssertionError where it throws."""
        console = self.page.context.new_cdp_session(self.page)
        answer = console.send("Runtime.evaluate", {"expression": script, "replMode": True, "awaitPromise": True})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]

    def until_printed(self, text: str) -> Any:
        """Give a block at whose end the console has printed a line that begins like this."""
        return self.page.expect_console_message(lambda said: said.text.startswith(text))
