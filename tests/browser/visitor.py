"""One person's browser window on one installation, which remembers whatever went wrong in it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Response, expect

OPENS_S = 60.0
PICTURES = Path(__file__).parents[2] / "test-artefacts" / "console"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SESSION_COOKIE = "ironforge_session"
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.11.0" / "axe.min.js").read_text()
# What Chromium says of an answer that asks to come again.
_COME_AGAIN = "Failed to load resource: the server responded with a status of 503"
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LOOK_FOR_BARRIERS = """
async (values) => {
  const type = values.length === 1 ? "rule" : "tag";
  const { violations } = await axe.run(document, { runOnly: { type, values }, resultTypes: ["violations"] });
  const told = (node) => `${node.html.slice(0, 160)} ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""}`;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(told).join(" | ")}`);
}
"""


class Visitor:
    """A window with a session. A test that provokes an error names it with `expect_fault` beforehand.

    A machine that stood still makes the server say 503 and ask to come again. Whoever does, and is answered, has seen
    no fault; a page is opened anew until it is.
    """

    def __init__(self, browser: Browser, port: int, session_key: str = "", **options: Any) -> None:
        self.base = f"http://localhost:{port}"
        self.context: BrowserContext = browser.new_context(
            # A colour on its way from one to another is neither; it was measured now and then.
            reduced_motion="reduce",
            base_url=self.base,
            **({"viewport": {"width": 1280, "height": 800}} | options),
        )
        self._scheme: Literal["light", "dark"] = options.get("color_scheme", "light")
        if session_key:
            self.context.add_cookies([{"name": SESSION_COOKIE, "value": session_key, "url": self.base}])
        self.context.add_init_script(_REPORT_VIOLATIONS)
        self.faults: list[str] = []
        self._allowed: list[str] = []
        self._answered: set[str] = set()  # addresses whose last answer was what was asked for
        self.page: Page = self.context.new_page()
        self._goto = self.page.goto
        self.page.goto = self._open  # type: ignore[method-assign]
        self.page.on("response", self._on_response)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.loads = 0
        self.page.on("load", self._on_load)

    def expect_fault(self, pattern: str) -> None:
        """Let messages of the console pass that this test provokes."""
        self._allowed.append(pattern)

    def unforeseen(self) -> list[str]:
        """Return what went wrong and was not announced."""
        return [fault for fault in self.faults if not (self._is_foreseen(fault) or self._is_over(fault))]

    def _is_foreseen(self, fault: str) -> bool:
        return any(re.search(pattern, fault) for pattern in self._allowed)

    def _is_over(self, fault: str) -> bool:
        return _COME_AGAIN in fault and any(fault.endswith(f"({url})") for url in self._answered)

    def go(self, path: str) -> Page:
        """Open a page of the console."""
        self.page.goto(path)
        return self.page

    def _open(self, url: str, **options: Any) -> Response | None:
        until = time.monotonic() + OPENS_S
        answer = self._goto(url, **options)
        while answer is not None and answer.status == 503 and not self._is_foreseen(_COME_AGAIN):
            assert time.monotonic() < until, f"{url} is not to be had"
            answer = self._goto(url, **options)
        return answer

    def press_in_turn(self, *keys: str) -> None:
        """Press keys that count within a second of one another, while the page's clock stands still."""
        self.page.clock.set_fixed_time(datetime.now(UTC))
        for key in keys:
            self.page.keyboard.press(key)

    def hold_updates(self) -> None:
        """Pause live updates, so that nothing is put in while the page is measured."""
        pill = self.page.locator("#live-pill")
        # The browser warns of a socket that is closed before it is open.
        expect(pill).to_have_attribute("data-state", "live")
        self.page.keyboard.press("p")
        expect(pill).to_have_attribute("data-state", "paused")

    def csrf(self) -> str:
        """Return the token of the page's forms."""
        return self.page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value") or ""

    def post(self, path: str, **fields: str) -> int:
        """Send a form as a page would, whatever buttons it has; return the status without following."""
        answer = self.context.request.post(
            path, form={"csrfmiddlewaretoken": self.csrf(), **fields}, max_redirects=0, headers={"Origin": self.base}
        )
        return answer.status

    def violations(self, rule: str = "") -> list[str]:
        """Return what axe-core finds serious or critical on the page as it is; by one rule only, if it is named."""
        self.page.evaluate(AXE)
        return list(self.page.evaluate(_LOOK_FOR_BARRIERS, [rule] if rule else _RULES))

    def has_sideways_scroll(self) -> bool:
        """Tell whether the page is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def keep(self, name: str) -> None:
        """Leave pictures of the page as it is, light and dark, under `test-artefacts/console/`."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        width = (self.page.viewport_size or {"width": 0})["width"]
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            self.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
        self.page.emulate_media(color_scheme=self._scheme)

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_response(self, response: Response) -> None:
        (self._answered.add if response.ok else self._answered.discard)(response.url)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_load(self, _: Page) -> None:
        self.loads += 1
