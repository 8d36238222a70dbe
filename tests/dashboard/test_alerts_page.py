"""The page of alerts: set, tried and removed by operators; what fires stands on the overview, for viewers too."""

from __future__ import annotations

import re
import time

from jobs.access.alert import Alert, AlertNotice
from jobs.access.scopes import Role
from jobs.services import alert_watch
from tests.dashboard.conftest import Team, text_of

PAGE = "/console/alerts"
FORM = {
    "name": "dead",
    "metric": "dead_letters",
    "threshold": "0",
    "for_s": "0",
    "queue": "",
    "window_minutes": "5",
    "webhook": "https://8.8.8.8/hook?key=k3y",
    "emails": "",
}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


def test_an_operator_sets_tries_and_removes_an_alert(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    made = client.post(f"{PAGE}/set", FORM)
    (secret,) = set(SECRET.findall(text_of(made)))
    seen = text_of(client.get(PAGE))
    assert secret not in seen
    assert "k3y" not in seen
    assert "https://8.8.8.8/hook" in seen
    assert client.post(f"{PAGE}/set", FORM | {"threshold": "1.5", "window_minutes": "x"}).status_code == 303
    assert "(threshold 1.5)" in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}/dead/test").status_code == 303
    assert AlertNotice.objects.get().event == "test"
    assert client.post(f"{PAGE}/dead/remove", {"reason": "x"}).status_code == 303
    assert "Nothing is watched" in text_of(client.get(PAGE))
    acts = [entry.action for entry in reversed(team.entries()) if entry.action.startswith("alert.")]
    assert acts == ["alert.set", "alert.set", "alert.test", "alert.remove"]


def test_a_wrong_form_says_what_is_wrong_and_sets_nothing(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    for wrong in ({"threshold": "many"}, {"name": "No Name"}, {"webhook": "https://10.0.0.1/"}, {"metric": "x"}):
        answer = client.post(f"{PAGE}/set", FORM | wrong, follow=True)
        assert answer.status_code in (200, 422), wrong
    assert not Alert.objects.exists()


def test_what_fires_stands_on_the_overview_and_names_no_receiver_to_viewers(team: Team) -> None:
    team.client(Role.OPERATOR).post(f"{PAGE}/set", FORM)
    team.bench.dead_letter()
    alert_watch.look(lambda: time.time() + 60)
    viewer = team.client(Role.VIEWER)
    assert "1 dead letters (threshold 0)" in text_of(viewer.get("/console/"))
    page = text_of(viewer.get(PAGE))
    assert "Firing" in page
    assert "8.8.8.8" not in page
    assert "New alert" not in page
    for act in ("set", "dead/test", "dead/remove"):
        assert viewer.post(f"{PAGE}/{act}", FORM).status_code == 403
