"""Fresh content that arrives late is shown only where it was asked for."""

from __future__ import annotations

from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import OpenWindow, Place, Site

NOTE_SWAPS = """
() => {
  window.swapped = [];
  document.addEventListener("htmx:after:swap", () => window.swapped.push(document.querySelector("h1").textContent));
}
"""


def test_fresh_content_of_the_page_left_behind_is_dropped(site: Site, place: Place, open_window: OpenWindow) -> None:
    page = open_window(site, place.viewer).page
    held: list[Route] = []

    def hold(route: Route, request: Request) -> None:
        if request.resource_type == "document":
            route.continue_()
        else:
            held.append(route)

    page.route("**/console/queues", hold)
    with page.expect_request(lambda request: "queues" in request.url and request.resource_type == "fetch"):
        page.goto("/console/queues")
    page.get_by_role("link", name="Dead letters").click()
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
    page.evaluate(NOTE_SWAPS)
    with page.expect_response("**/console/dead-letters"):
        held[0].continue_()
    page.wait_for_function("window.swapped.length > 0")
    assert page.evaluate("window.swapped[0]") == "Dead letters"
