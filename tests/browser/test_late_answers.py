"""Fresh content that arrives late is shown only where it was asked for."""

from __future__ import annotations

from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import OpenWindow, Place, Site

# The heading after the first swap from then on.
NOTE_SWAP = """
() => document.addEventListener("htmx:after:swap", () => {
  document.documentElement.dataset.swapped ??= document.querySelector("h1").textContent;
})
"""


def test_fresh_content_of_the_page_left_behind_is_dropped(site: Site, place: Place, open_window: OpenWindow) -> None:
    job_id = place.bench.submit()
    page = open_window(site, place.viewer).page
    held: list[Route] = []

    def hold(route: Route, request: Request) -> None:
        if request.resource_type == "document":
            route.continue_()
        else:
            held.append(route)

    page.route("**/console/jobs", hold)
    with page.expect_request(lambda request: request.url.endswith("/jobs") and request.resource_type == "fetch"):
        page.goto("/console/jobs")
    # A link of the page itself: those of the navigation load all anew.
    page.locator(f"#job-{job_id} a").click()
    expect(page.get_by_role("heading", name="demo.echo")).to_be_visible()
    page.evaluate(NOTE_SWAP)
    with page.expect_response("**/console/jobs"):
        held[0].continue_()
    expect(page.locator("html")).to_have_attribute("data-swapped", "demo.echo")
