"""Fresh content: a page is pushed without being asked for, its forms work, and what arrives late is shown only where it
was asked for."""

from __future__ import annotations

from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import OpenWindow, Place, Site

PATIENCE = '"defaultTimeout":10000'
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
            # However long the answer is held, the page waits for it.
            answer = route.fetch()
            assert PATIENCE in answer.text()
            route.fulfill(response=answer, body=answer.text().replace(PATIENCE, f"{PATIENCE}00"))
        else:
            held.append(route)

    # Without a socket the page asks by itself, at once when updates go on.
    page.route_web_socket("**/console/ws", lambda socket: socket.close())
    page.route("**/console/jobs", hold)
    page.goto("/console/jobs")
    with page.expect_request(lambda request: request.url.endswith("/jobs") and request.resource_type == "fetch"):
        for _ in range(2):
            page.keyboard.press("p")
    # A link of the page itself: those of the navigation load all anew.
    page.locator(f"#job-{job_id} a.rowlink").click()
    expect(page.get_by_role("heading", name="demo.echo")).to_be_visible()
    page.evaluate(NOTE_SWAP)
    with page.expect_response("**/console/jobs"):
        held[0].continue_()
    expect(page.locator("html")).to_have_attribute("data-swapped", "demo.echo")


def test_a_page_is_pushed_and_its_forms_work(site: Site, place: Place, open_window: OpenWindow) -> None:
    page = open_window(site, place.operator).page
    page.goto("/console/queues")
    expect(page.locator("#live-pill")).to_have_text("Live")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.resource_type == "fetch" else None)
    place.bench.submit(queue="mail-7")
    row = page.get_by_role("row").filter(has_text="mail-7")
    expect(row).to_be_visible()
    place.bench.submit(queue="mail-8")
    expect(page.get_by_role("row").filter(has_text="mail-8")).to_be_visible()
    assert fetched == []
    row.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Pause the queue").click()
    expect(row).to_contain_text("Paused")
