"""`/alerts`: what is watched fires, is told by webhook and by e-mail, and is over again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from jobs import wiring
from jobs.access.alert import Alert, AlertNotice
from jobs.domain.signature import signature
from jobs.services import alert_notices, alert_watch, alerts
from jobs.services.turns import Turns
from tests.api.conftest import MakeTenant
from tests.api.postman import Inbox, Postman
from tests.api.tenant import Tenant
from tests.receiver import Receiver
from tests.receiver import receiver as receiving

BAD_URL = "https://10.0.0.1/x"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Return a mail server on a loopback address, which the settings name."""
    box = Inbox()
    postman = Postman(box)
    postman.start()
    mail = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": postman.port,
        "IRONFORGE_EMAIL_URL": f"smtp://127.0.0.1:{postman.port}",
        "IRONFORGE_EMAIL_FROM": "forge@x.org",
    }
    with override_settings(**mail):
        yield box
    postman.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver of webhooks, whose network is opened."""
    with receiving() as found, override_settings(IRONFORGE_PUSH_ALLOW=("127.0.0.0/8",)):
        yield found


def set_alert(tenant: Tenant, name: str = "a", **fields: object) -> Any:
    body = {"metric": "dead_letters", "threshold": 0, "for_s": 60, **fields}
    answer = tenant.ask("PUT", f"/alerts/{name}", body)
    assert answer.status in (200, 201), answer
    return answer.body


def look(after_s: float) -> None:
    """Look as it will be then, and send all there is to send now."""
    alert_watch.look(lambda: time.time() + after_s)
    while alert_notices.send_next():
        pass


def state(tenant: Tenant, name: str = "a") -> str:
    return str(tenant.ask("GET", f"/alerts/{name}").body["state"])


def test_a_dead_letter_fires_is_told_signed_and_is_over_when_it_is_gone(
    tenant: Tenant, receiver: Receiver, inbox: Inbox
) -> None:
    made = set_alert(tenant, webhook=receiver.url, emails=["ops@example.com", "ada@example.com"])
    look(0)
    assert state(tenant) == "ok"
    dead = tenant.bench.dead_letter()
    look(20)
    assert state(tenant) == "pending"
    assert not receiver.requests
    look(90)
    assert state(tenant) == "firing"
    look(110)
    (request,) = receiver.requests
    told = json.loads(request.body)
    assert (told["type"], told["data"]["alert"], told["data"]["value"]) == ("alert.firing", "a", 1)
    sent_at = int(request.headers["webhook-timestamp"])
    signed = signature(made["secret"], request.headers["webhook-id"], sent_at, request.body)
    assert request.headers["webhook-signature"] == signed
    assert sorted(to for _, (to,), _ in inbox.mail) == ["ada@example.com", "ops@example.com"]
    assert all("is firing" in text and "1 dead letters (threshold 0)" in text for _, _, text in inbox.mail)
    assert inbox.mail[0][0] == "forge@x.org"
    tenant.ask("POST", f"/jobs/{dead}/retry")
    look(130)
    assert state(tenant) == "firing", "good, but not for long enough"
    look(200)
    assert state(tenant) == "ok"
    assert [json.loads(each.body)["type"] for each in receiver.requests] == ["alert.firing", "alert.resolved"]
    assert len(inbox.mail) == 4
    (notice, *_) = tenant.ask("GET", "/alerts/a").body["notices"]
    assert notice["sent_at"]
    assert notice["event"] == "resolved"


def test_what_does_not_arrive_is_tried_again_and_given_up_after_a_day(
    tenant: Tenant, receiver: Receiver, inbox: Inbox
) -> None:
    receiver.answers = [b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"]
    inbox.answer = "451 later"
    set_alert(tenant, webhook=receiver.url, emails=["ops@example.com"])
    assert tenant.ask("POST", "/alerts/a/test").status == 202
    while alert_notices.send_next():
        pass
    mail, web = sorted(tenant.ask("GET", "/alerts/a").body["notices"], key=lambda each: each["channel"])
    assert (web["detail"], web["attempts"], web["sent_at"]) == ("http_500", 1, None)
    assert "451" in mail["detail"]
    assert web["next_attempt_at"] > web["created_at"]
    AlertNotice.objects.update(next_at=AlertNotice.objects.all()[0].created_at)
    receiver.answers = [b"HTTP/1.1 204 Yes\r\n\r\n"]
    inbox.answer = "250 OK"
    while alert_notices.send_next():
        pass
    notices = tenant.ask("GET", "/alerts/a").body["notices"]
    assert all(each["sent_at"] and each["attempts"] == 2 for each in notices)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    row = AlertNotice.objects.all()[0]
    AlertNotice.objects.filter(pk=row.pk).update(
        next_at=row.created_at, sent_at=None, created_at=row.created_at.replace(year=2020)
    )
    inbox.answer, receiver.answers = "451 later", [b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"]
    assert alert_notices.send_next()
    row.refresh_from_db()
    assert (row.next_at, row.sent_at) == (None, None)


def test_each_number_is_watched(tenant: Tenant) -> None:
    bench = tenant.bench
    bench.advance(-100_000)
    bench.submit(queue="mail")
    bench.submit(queue="other")
    bench.lease(queues=("other",))
    bench.advance(100_000)
    for _ in range(10):
        bench.submit(queue="bad")
        bench.fail(bench.lease(queues=("bad",)))
    set_alert(tenant, "oldest", metric="oldest_age_s", threshold=60, for_s=0)
    set_alert(tenant, "mail", metric="oldest_age_s", threshold=60, for_s=0, queue="mail")
    set_alert(tenant, "other", metric="oldest_age_s", threshold=60, for_s=0, queue="other")
    set_alert(tenant, "failures", metric="failure_rate_percent", threshold=50, for_s=0, window_minutes=2)
    set_alert(tenant, "workers", metric="workers", threshold=1, for_s=0)
    look(0)
    found = {each["name"]: (each["state"], each["value"]) for each in tenant.ask("GET", "/alerts").body["data"]}
    assert found["oldest"][0] == found["mail"][0] == "firing"
    assert 99 < found["mail"][1] < 200
    assert found["other"] == ("ok", 0)
    assert found["failures"] == ("firing", 100)
    assert found["workers"] == ("firing", 0)


def test_two_processes_look_once_and_a_rule_that_was_set_anew_begins_anew(tenant: Tenant) -> None:
    set_alert(tenant, metric="workers", threshold=1, for_s=0)
    assert Alert.objects.get().looked_at == 0
    now = time.time()
    alert_watch.look(lambda: now)
    alert_watch.look(lambda: now + 5)
    assert Alert.objects.get().looked_at == now
    assert state(tenant) == "firing"
    set_alert(tenant, metric="workers", threshold=1, for_s=600)
    assert state(tenant) == "ok"


def test_a_change_of_the_threshold_keeps_where_it_stands_and_of_the_number_does_not(
    tenant: Tenant, receiver: Receiver
) -> None:
    made = set_alert(tenant, threshold=0, for_s=0, webhook=receiver.url)
    tenant.bench.dead_letter()
    look(0)
    assert state(tenant) == "firing"
    tenant.ask("POST", "/alerts/a/test")
    other = f"{receiver.url}?new"
    changed = tenant.ask("PATCH", "/alerts/a", {"threshold": 3, "webhook": other, "reason": "x"})
    assert (changed.status, changed.body["state"], changed.body["threshold"]) == (200, "firing", 3)
    assert "secret" not in changed.body
    assert tenant.ask("GET", "/alerts/a").body["notices"][0]["detail"] == "told no more"
    look(20)
    assert state(tenant) == "ok", "good by its new threshold"
    assert [json.loads(each.body)["type"] for each in receiver.requests] == ["alert.firing", "alert.resolved"]
    assert [each.head.split()[1] for each in receiver.requests] == ["/hook", "/hook?new"]
    rotated = tenant.ask("POST", "/alerts/a/rotate", {"reason": "it stood in a log"})
    tenant.ask("POST", "/alerts/a/test")
    alert_notices.send_next()
    request = receiver.requests[-1]
    about = request.headers["webhook-id"], int(request.headers["webhook-timestamp"]), request.body
    signed = [signature(secret, *about) for secret in (rotated.body["secret"], made["secret"])]
    assert request.headers["webhook-signature"] == " ".join(signed)
    assert tenant.ask("PATCH", "/alerts/a", {"threshold": 0, "for_s": None}).body["for_s"] == 60
    look(40)
    assert state(tenant) == "pending"
    begun = tenant.ask("PATCH", "/alerts/a", {"metric": "failure_rate_percent", "webhook": None}).body
    assert (begun["state"], begun["window_minutes"], "webhook" in begun) == ("ok", 5, False)
    assert tenant.ask("POST", "/alerts/a/rotate").code == "no_receiver"
    assert tenant.ask("PATCH", "/alerts/a", {"queue": "q"}).problems == [("/queue", "not_allowed")]
    entries = tenant.ask("GET", "/audit?action=alert.change").body["data"]
    assert [(each["before"]["threshold"], each["after"]["threshold"]) for each in entries[-1:]] == [(0, 3)]


def test_who_may_not_set_alerts_does_not_see_who_is_told(tenant: Tenant, inbox: Inbox) -> None:
    set_alert(tenant, emails=["ops@example.com"])
    tenant.ask("POST", "/alerts/a/test")
    for target in ("/alerts", "/alerts/a"):
        answer = tenant.ask_as(tenant.key("jobs:read"), "GET", target)
        assert answer.status == 200
        assert "example.com" not in answer.raw.decode()
    entries = tenant.ask("GET", "/audit?target_kind=alert").body["data"]
    assert [entry["action"] for entry in entries] == ["alert.test", "alert.set"]
    assert tenant.ask("DELETE", "/alerts/a", {"reason": "x"}).status == 204
    assert tenant.ask("GET", "/alerts/a").status == 404
    assert not AlertNotice.objects.exists()


def test_what_one_tenant_sends_holds_up_no_other(tenant: Tenant, make_tenant: MakeTenant, inbox: Inbox) -> None:
    other = make_tenant()
    set_alert(tenant, emails=[f"ops{number}@example.com" for number in range(10)])
    set_alert(other, emails=["ada@example.org"])
    for asks in (tenant, tenant, other):
        assert asks.ask("POST", "/alerts/a/test").status == 202
    refused = tenant.ask("POST", "/alerts/a/test")
    assert (refused.status, refused.code) == (429, "too_many_tests")
    # An address that nobody can write, from before it was refused: tried and told like any other that fails.
    AlertNotice.objects.filter(namespace=tenant.name).update(target="ops@example..com")
    turns: Turns = {}
    assert alert_notices.send_next(turns)
    assert alert_notices.send_next(turns)
    assert [to for _, to, _ in inbox.mail] == [["ada@example.org"]], "one of twenty went before"
    (tried,) = AlertNotice.objects.filter(attempts=1, sent_at=None)
    assert "Invalid address" in tried.detail


def test_rules_of_a_namespace_are_judged_and_shown_with_few_questions(
    tenant: Tenant, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        set_alert(tenant, f"w{number}", metric="workers", threshold=1, for_s=0, emails=["ops@example.com"])
    asked: list[object] = []
    run = wiring.runner().run
    monkeypatch.setattr(wiring.runner(), "run", lambda call: asked.append(call) or run(call))
    alert_watch.look()
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as queries:
        shown = alerts.list_alerts(tenant.system, with_notices=True)
    assert len(queries) == 2
    assert [[notice.event for notice in each.notices] for each in shown] == [["firing"]] * 5


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"metric": "x"}, ("/metric", "invalid_choice")),
        ({"metric": None}, ("/metric", "required")),
        ({"threshold": "1"}, ("/threshold", "invalid_type")),
        ({"threshold": -1}, ("/threshold", "out_of_range")),
        ({"threshold": True}, ("/threshold", "invalid_type")),
        ({"for_s": 86_401}, ("/for_s", "out_of_range")),
        ({"queue": "mail"}, ("/queue", "not_allowed")),
        ({"window_minutes": 3}, ("/window_minutes", "not_allowed")),
        ({"metric": "store_memory_percent"}, ("/metric", "not_allowed")),
        ({"emails": ["no address"]}, ("/emails", "invalid_email")),
        ({"emails": ["a@b.c\r\nBcc: x@y.z"]}, ("/emails", "invalid_email")),
        ({"emails": ["ops@example..com"]}, ("/emails", "invalid_email")),
        ({"emails": ["ops@[x"]}, ("/emails", "invalid_email")),
        ({"emails": ["ops@example.com"]}, ("/emails", "no_mail_server")),
        ({"webhook": "ftp://x"}, ("/webhook", "invalid_url")),
        ({"webhook": BAD_URL}, ("/webhook", "blocked_address")),
        ({"more": 1}, ("/more", "unknown_field")),
    ],
)
def test_a_wrong_rule_is_refused_with_what_is_wrong(
    tenant: Tenant, fields: dict[str, object], problem: tuple[str, str]
) -> None:
    with override_settings(IRONFORGE_DEMO=False):
        answer = tenant.ask("PUT", "/alerts/a", {"metric": "dead_letters", "threshold": 0, **fields})
    assert (answer.status, answer.problems) == (422, [problem])
    assert not Alert.objects.exists()
