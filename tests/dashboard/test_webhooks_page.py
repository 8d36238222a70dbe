"""The page of webhooks: what each role sees and may do there, secrets that are shown once, and text that stays text."""

from __future__ import annotations

import re

import pytest

from jobs.access.scopes import Role
from jobs.domain.job import JobError, NewPayload
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.dashboard.conftest import MakeTeam, Team, text_of

PAGE = "/console/webhooks"
URL = "https://8.8.8.8/hook"
EVIL = "<script>alert(1)</script>"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
ACTS: dict[str, dict[str, str]] = {
    "set": {"url": URL, "status": "completed"},
    "rotate": {},
    "remove": {},
    "endpoints": {"kind": "a.b", "url": URL, "timeout_ms": "500"},
    "endpoints/a.b/test": {},
    "endpoints/a.b/rotate": {},
    "endpoints/a.b/unbind": {},
}


def told(team: Team, outcome: OutcomeKind = OutcomeKind.COMPLETED, **more: object) -> str:
    """End a job with a webhook of its own, and the delivery as well; return the delivery."""
    job_id = team.bench.submit(kind="mail.send", webhook=f"{URL}?key=k3y-secret")
    team.bench.settle(team.bench.lease())
    team.bench.settle(team.bench.lease(queues=(DELIVERY_QUEUE,)), outcome, **more)
    return team.bench.get(job_id).deliveries[0]


def test_an_admin_sets_changes_and_removes_the_webhook(team: Team) -> None:
    client = team.client(Role.ADMIN)
    made = client.post(
        f"{PAGE}/set", {"url": f"{URL}?key=k3y-secret", "status": ["completed", "dead_letter"], "back": PAGE}
    )
    assert made.status_code == 200
    (secret,) = set(SECRET.findall(text_of(made)))
    assert made["Cache-Control"] == "no-store"
    seen = text_of(client.get(PAGE))
    assert secret not in seen, "it is shown once"
    assert f"{URL}?key=k3y-secret" in seen
    assert client.post(f"{PAGE}/set", {"url": URL, "status": "completed"}).status_code == 303
    rotated = SECRET.findall(text_of(client.post(f"{PAGE}/rotate", {"back": f"{PAGE}?status=completed"})))
    assert rotated
    assert secret not in rotated
    assert client.post(f"{PAGE}/remove").status_code == 303
    assert "Set a webhook" in text_of(client.get(PAGE))
    acts = [entry.action for entry in reversed(team.entries()) if entry.action.startswith("webhook.")]
    assert acts == ["webhook.set", "webhook.set", "webhook.rotate", "webhook.remove"]


def test_an_admin_binds_changes_and_unbinds_a_kind(team: Team) -> None:
    client = team.client(Role.ADMIN)
    made = client.post(f"{PAGE}/endpoints", {"kind": "a.b", "url": URL, "timeout_ms": "500"})
    assert len(set(SECRET.findall(text_of(made)))) == 1
    assert 'name="back" value="/console/webhooks"' in text_of(made), "not the address of the act"
    for wrong in ({"url": "http://10.0.0.1/"}, {"timeout_ms": "5"}, {"kind": "ironforge.x"}, {"timeout_ms": "x"}):
        refused = client.post(
            f"{PAGE}/endpoints", {"kind": "c.d", "url": URL, "timeout_ms": "500", "back": PAGE} | wrong
        )
        assert (refused.status_code, refused["Location"]) == (303, PAGE)
    page = text_of(client.get(PAGE))
    assert page.count('class="toast-note error"') == 4
    assert ('id="binding-a.b"' in page, 'id="binding-c.d"' in page) == (True, False)
    client.post(f"{PAGE}/endpoints", {"kind": "a.b", "url": f"{URL}/2", "timeout_ms": "60000"})
    page = text_of(client.get(PAGE))
    assert (f"{URL}/2" in page, "1 min to answer" in page) == (True, True)
    assert SECRET.search(text_of(client.post(f"{PAGE}/endpoints/a.b/rotate")))
    client.post(f"{PAGE}/endpoints/a.b/unbind")
    assert "No kind is bound" in text_of(client.get(PAGE))


def test_a_test_says_what_came_back(team: Team) -> None:
    client = team.client(Role.ADMIN)
    client.post(f"{PAGE}/endpoints", {"kind": "a.b", "url": "https://nobody.invalid/", "timeout_ms": "60000"})
    client.post(f"{PAGE}/endpoints/a.b/test")
    assert "The test of a.b got no answer: no such host." in text_of(client.get(PAGE))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_see_the_log_alone(team: Team, role: Role) -> None:
    admin, client = team.client(Role.ADMIN), team.client(role)
    admin.post(f"{PAGE}/set", {"url": f"{URL}/admins", "status": "cancelled"})
    admin.post(f"{PAGE}/endpoints", {"kind": "a.b", "url": f"{URL}/admins", "timeout_ms": "500"})
    delivery = told(team)
    page = text_of(client.get(PAGE))
    assert "/admins" not in page
    assert "mail.send" in page
    assert {act: client.post(f"{PAGE}/{act}", fields).status_code for act, fields in ACTS.items()} == dict.fromkeys(
        ACTS, 403
    )
    resend = f"{PAGE}/deliveries/{delivery}/resend"
    assert (f'action="{resend}"' in page) is (role is Role.OPERATOR)
    assert client.post(resend).status_code == (303 if role is Role.OPERATOR else 403)


def test_the_log_tells_what_came_of_each_delivery_and_of_which_job(team: Team) -> None:
    evil = JobError("http_503", f"The receiver answered 503: {EVIL}")
    waits = told(team, OutcomeKind.FAILED, error=evil)
    dead = told(team, OutcomeKind.DISCARDED, error=JobError("timeout", "No answer within 10 s."))
    done = told(team, result=b'{"status_code":200,"answer":"thanks"}')
    client = team.client(Role.OPERATOR)
    page = text_of(client.get(PAGE))
    for said in ("HTTP 503", "HTTP 200", "thanks", "no answer in time", URL, "due <time", "&lt;script&gt;"):
        assert said in page
    assert EVIL not in page
    assert "k3y-secret" not in page, "the query of a URL may hold a key"
    order = re.findall(r'id="delivery-([^"]+)"', page)
    assert set(order) == {waits, dead, done}
    for status, wanted in (("dead_letter", dead), ("failed", waits), ("completed", done)):
        assert re.findall(r'id="delivery-([^"]+)"', text_of(client.get(f"{PAGE}?status={status}"))) == [wanted]
    assert "No delivery is cancelled now." in text_of(client.get(f"{PAGE}?status=cancelled"))
    for address in ("?cursor=x", "?status=none"):
        assert len(re.findall(r'id="delivery-', text_of(client.get(PAGE + address)))) == 3
    client.post(f"{PAGE}/deliveries/{dead}/resend")
    assert team.bench.get(dead).status is Status.QUEUED
    client.post(f"{PAGE}/deliveries/{done}/resend")
    assert team.bench.get(done).status is Status.COMPLETED
    assert [entry.action for entry in team.entries()][:2] == ["delivery.resend"] * 2
    assert f'"/console/webhooks/deliveries/{done}/resend"' in text_of(client.get(f"/console/jobs/{done}"))


def test_a_log_has_pages(team: Team) -> None:
    made = [told(team) for _ in range(26)]
    client = team.client(Role.VIEWER)
    first = text_of(client.get(f"{PAGE}?status=completed"))
    on = re.search(r'href="(/console/webhooks\?[^"]+)" rel="next"', first)
    assert on
    second = text_of(client.get(on[1].replace("&amp;", "&")))
    assert re.findall(r'id="delivery-([^"]+)"', first + second) == made[::-1]
    assert 'rel="prev"' in second


def test_a_delivery_that_was_edited_to_tell_nonsense_breaks_nothing(team: Team) -> None:
    delivery = told(team, OutcomeKind.DISCARDED)
    payload = b'{"job_id":"../x","kind":"k","queue":"q","status":"completed","at":1}'
    team.bench.run(team.bench.operator.retry([delivery], "r", by="t", payload=NewPayload(payload)))
    client = team.client(Role.OPERATOR)
    assert client.get(PAGE).status_code == 200
    client.post(f"{PAGE}/deliveries/{delivery}/resend")
    assert "There is no delivery" in text_of(client.get(PAGE))


def test_nobody_touches_the_webhooks_of_others(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    theirs.client(Role.ADMIN).post(f"{PAGE}/set", {"url": URL, "status": "completed"})
    theirs.client(Role.ADMIN).post(f"{PAGE}/endpoints", {"kind": "a.b", "url": URL, "timeout_ms": "500"})
    delivery = told(theirs)
    before = theirs.bench.contents()
    client = ours.client(Role.ADMIN)
    for act in ("rotate", "remove", *(f"endpoints/a.b/{act}" for act in ("test", "rotate", "unbind"))):
        assert client.post(f"{PAGE}/{act}").status_code == 303, act
    client.post(f"{PAGE}/deliveries/{delivery}/resend")
    assert theirs.bench.contents() == before
    page = text_of(client.get(PAGE))
    assert "mail.send" not in page
    assert "whsec_" not in page
