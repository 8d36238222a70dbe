"""Signing in: to one's own site only, ten times a minute, with a session that is new each time."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.scopes import Role
from tests.dashboard.conftest import PASSWORD, Team, text_of

FOREIGN = (
    "//evil.example", "///evil.example", "////evil.example", "//evil.example/console/", "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example", "/\\/evil.example", "http://evil.example", "https://evil.example/console/", "HTTPS://evil.example",
    "http:evil.example", "https:/evil.example", "http:///evil.example", "http:\\\\evil.example", "javascript:alert(1)",
    "JavaScript:alert(1)", "java\nscript:alert(1)", "\tjavascript:alert(1)", " javascript:alert(1)", "data:text/html,x",
    "vbscript:x", "blob:http://evil.example", "file:///etc/passwd", "ftp://evil.example", "/%2f%2fevil.example",
    "/.evil.example", "//evil.example%2fconsole/", "//testserver@evil.example/console/", "http://testserver@evil.example/",
    "http://testserver.evil.example/console/", "//evil.example\\@testserver", "/console/\\..\\..//evil.example/",
    "http://testserver:80@evil.example", "//0x7f000001", "//[::1]", "https://testserver/console/", "\x00//evil.example",
    "//evil。example", "/\t/evil.example", "/\r\n/evil.example", "?next=//evil.example", "..//evil.example",
    "/jobs", "",
)  # fmt: skip


def sign_in(
    client: Client, account: str, password: str = PASSWORD, goal: str = "", **more: str
) -> tuple[int, str, str]:
    fields = {"account": account, "password": password, "next": goal}
    answer = client.post("/console/login", fields, **more)  # type: ignore[arg-type]
    return answer.status_code, str(answer.headers.get("Location", "")), text_of(answer)


@pytest.mark.parametrize("goal", FOREIGN)
def test_nobody_is_led_to_another_site(team: Team, stranger: Client, goal: str) -> None:
    account = team.people[Role.VIEWER].username
    assert f'name="next" value="{settings.LOGIN_REDIRECT_URL}"' in text_of(
        stranger.get("/console/login", {"next": goal})
    )
    assert sign_in(stranger, account, goal=goal)[:2] == (303, "/console/")
    assert stranger.get("/console/login", {"next": goal})["Location"] == "/console/"


def test_one_comes_to_the_page_that_was_asked_for(team: Team, stranger: Client) -> None:
    asked = stranger.get("/console/jobs?status=queued&queue=a")
    form = text_of(stranger.get(asked["Location"]))
    assert 'name="next" value="/console/jobs?status=queued&amp;queue=a"' in form
    account = team.people[Role.VIEWER].username
    assert (
        sign_in(stranger, account, goal="/console/jobs?status=queued&queue=a")[1]
        == "/console/jobs?status=queued&queue=a"
    )


def test_the_session_is_another_after_signing_in_and_gone_after_signing_out(team: Team, stranger: Client) -> None:
    planted = "a" * 32
    stranger.cookies[settings.SESSION_COOKIE_NAME] = planted
    sign_in(stranger, team.people[Role.VIEWER].username)
    cookie = stranger.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != planted
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    answer = stranger.post("/console/logout")
    assert (answer.status_code, answer["Location"]) == (303, "/console/login")
    stranger.cookies[settings.SESSION_COOKIE_NAME] = cookie.value
    assert stranger.get("/console/").status_code == 302, "the old session is of no use any more"


def test_every_wrong_pair_gets_the_same_page(team: Team, stranger: Client) -> None:
    team.people[Role.ADMIN].is_active = False
    team.people[Role.ADMIN].save()
    known, gone = team.people[Role.VIEWER].username, team.people[Role.ADMIN].username
    tries = [(known, "no"), ("nobody-at-all", "no"), (gone, PASSWORD), ("", ""), ("a\0b", "x")]
    for account, password in tries:
        status, _, page = sign_in(stranger, account, password)
        assert status == 401
        assert "The name or the password is not right." in page
        assert password not in page.partition('id="password"')[2] or not password or password in ("no", "x")


def test_the_eleventh_try_is_refused_whatever_address_it_claims(team: Team, stranger: Client) -> None:
    account = team.people[Role.VIEWER].username
    for number in range(10):
        status, *_ = sign_in(stranger, account, "no", headers={"x-forwarded-for": f"192.0.2.{number}"})
        assert status == 401
    status, _, page = sign_in(stranger, account, headers={"x-forwarded-for": "192.0.2.99"})
    assert status == 429
    assert "Too many attempts to sign in" in page
    assert stranger.get("/console/").status_code == 302
    fields = {"account": "somebody-else", "password": "no"}
    limited = stranger.post("/console/login", fields, headers={"x-forwarded-for": "192.0.2.98"})
    assert limited.status_code == 429, "the address of the connection counts, not what a header says"
    assert limited["Retry-After"] == "60"


@pytest.mark.django_db
def test_the_first_person_is_told_where_the_password_is(stranger: Client) -> None:
    User.objects.update(last_login=None)
    assert "the password that the server printed" in text_of(stranger.get("/console/login"))


def test_text_that_was_typed_comes_back_as_text(team: Team, stranger: Client) -> None:
    evil = '"><script>alert(1)</script>'
    page = sign_in(stranger, evil, "no")[2]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
