"""Watches a browser page for errors and for requests to other hosts."""

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""Flags with which Chromium runs as root in a container without a network, and sends no requests to its vendor."""


class WatchedPage:
    """Records console errors and warnings, uncaught exceptions, dialogs, and requests to other hosts.

    ``violations`` contains a line for each of them. Dialogs are closed.
    """

    def __init__(self, page: Page, home: str) -> None:
        self.page, self.violations = page, list[str]()
        self._home = urlsplit(home).netloc
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.violations.append(f"uncaught: {error}"))
        page.on("dialog", self._dialog)
        page.context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.violations.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.violations.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != self._home:
            self.violations.append(f"request to {request.url}")
