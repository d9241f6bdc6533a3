"""A person's tab: it watches the console, the content policy and failed answers, and looks at pages with axe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Response

from tests.worlds import PASSWORD

AXE = Path(__file__).parent.parent / "vendor" / "axe-4.14.1.min.js"
WIDTHS = (360, 1440)
THEMES = ("light", "dark")
PATIENCE_MS = 15_000

_FIND = """async () => {
    const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]});
    const places = v => v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(", ");
    return found.violations.map(v => `${v.id}: ${v.help} at ${places(v)}`);
}"""
_PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The content policy forbids scripts from elsewhere, and rightly: axe comes in by the debugger, not by a tag.
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Tab:
    """One person's browser window. `complaints` collects what a user should never cause."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error in a script: {error}"))
        page.on("response", self._answered)

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"console {kind}: {text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.go("/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/accounts/login" not in url)

    def look(self, *, name: str, widths: Sequence[int] = WIDTHS, themes: Sequence[str] = THEMES) -> list[str]:
        """What axe finds on the page at each width in each theme, and whether the page is wider than its window."""
        found: list[str] = []
        self.page.evaluate(AXE.read_text())
        before = self.page.viewport_size
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 900})
            for theme in themes:
                self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                self.page.evaluate(_PAINTED)
                found += [f"{name} {width} {theme}: {sentence}" for sentence in self.page.evaluate(_FIND)]
            wider = self.page.evaluate(_WIDER)
            found += [f"{name} {width}: {wider} pixels wider than the window"] if wider > 0 else []
        if before:
            self.page.set_viewport_size(before)
        return found


@contextmanager
def tab(browser: Browser, url: str, *, width: int = 1440) -> Iterator[Tab]:
    """A window of its own, with cookies of its own, which must not have complained when it closes."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    try:
        window = Tab(context.new_page(), url)
        yield window
        assert window.complaints == []
    finally:
        context.close()
