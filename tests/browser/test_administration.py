"""An administrator's round: a key that is shown once, a limit, an alert, and the audit log that has all of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow, Place, Site


def fill_in(page: Page, dialog_name: str, fields: dict[str, str], done: str) -> None:
    """Open a dialog by its button, fill it in, and send it off."""
    page.get_by_role("button", name=dialog_name).click()
    dialog = page.get_by_role("dialog", name=dialog_name)
    for label, text in fields.items():
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name=done).click()


def make_a_key_and_take_it_back(page: Page) -> None:
    fill_in(page, "New key", {"What it is for": "nightly import"}, "Make the key")
    expect(page.locator(".secret")).to_have_text(re.compile(r"^ifk_\w{12}_\w{32}$"))
    row = page.get_by_role("row").filter(has_text="nightly import")
    expect(row).to_contain_text("Active")
    page.get_by_role("button", name="Dismiss the secret").click()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(row).to_contain_text("Revoked")


def set_a_limit(page: Page) -> None:
    fields = {"Name": "mail.send", "At once": "4", "Reason": "the provider asked"}
    fill_in(page, "New limit", fields, "Set the limit")
    row = page.locator("#limits").get_by_role("row").filter(has_text="mail.send")
    expect(row).to_contain_text("4 at once")


def set_an_alert(page: Page) -> None:
    expect(page.get_by_text("Nothing is watched")).to_be_visible()
    fields = {"Name": "mail-is-late", "Threshold": "120", "Webhook": "https://8.8.8.8/alerts"}
    fill_in(page, "New alert", fields, "Set the alert")
    expect(page.locator(".secret")).to_have_text(re.compile(r"^whsec_\S{30,}$"))
    page.get_by_role("button", name="Dismiss the secret").click()
    expect(page.locator("#page")).to_contain_text("mail-is-late")


def test_keys_limits_and_alerts_are_made_and_all_of_it_is_in_the_audit_log(
    site: Site, place: Place, open_window: OpenWindow
) -> None:
    window = open_window(site, place.admin)
    make_a_key_and_take_it_back(window.go(f"/console/namespaces/{place.bench.namespace}"))
    set_a_limit(window.go("/console/limits"))
    set_an_alert(window.go("/console/alerts"))
    page = window.go("/console/audit")
    for done in ("key.mint", "key.revoke", "limit", "alert"):
        expect(page.locator("#audit tbody")).to_contain_text(done)
    row = page.locator("#audit tbody tr").filter(has_text="the provider asked")
    row.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"audit\?entry=\d+$"))
    expect(page.locator("tr[aria-current]")).to_contain_text("mail.send")
