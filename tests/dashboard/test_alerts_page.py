"""The page of alerts: set, tried and removed by operators; what fires stands on the overview, for viewers too."""

from __future__ import annotations

import re
import time

from jobs.access.alert import Alert, AlertNotice
from jobs.access.scopes import Role
from jobs.services import alert_watch
from tests.dashboard.conftest import Team, notes_of, text_of

PAGE = "/console/alerts"
FORM = {
    "name": "dead",
    "metric": "dead_letters",
    "threshold": "0",
    "for_s": "0",
    "queue": "",
    "window_minutes": "5",
    "webhook": "https://8.8.8.8/hook?key=k3y-secret",
    "emails": "",
}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


def test_an_operator_sets_tries_and_removes_an_alert(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    made = client.post(f"{PAGE}/set", FORM)
    (secret,) = set(SECRET.findall(text_of(made)))
    seen = text_of(client.get(PAGE))
    assert secret not in seen
    assert "k3y-secret" not in seen
    assert "https://8.8.8.8/hook" in seen
    assert client.post(f"{PAGE}/set", FORM | {"threshold": "1.5", "window_minutes": "x"}).status_code == 303
    assert "(threshold 1.5)" in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}/dead/test").status_code == 303
    assert AlertNotice.objects.get().event == "test"
    assert client.post(f"{PAGE}/dead/remove", {"reason": "x"}).status_code == 303
    assert "Nothing is watched" in text_of(client.get(PAGE))
    acts = [entry.action for entry in reversed(team.entries()) if entry.action.startswith("alert.")]
    assert acts == ["alert.set", "alert.set", "alert.test", "alert.remove"]


def test_an_alert_is_changed_in_place_and_its_secret_made_anew(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    (first,) = set(SECRET.findall(text_of(client.post(f"{PAGE}/set", FORM))))
    team.bench.dead_letter()
    alert_watch.look(lambda: time.time() + 60)
    form = {name: value for name, value in FORM.items() if name not in ("name", "emails")}
    assert client.post(f"{PAGE}/dead/change", form | {"threshold": "5", "reason": "<b>too early"}).status_code == 303
    page = text_of(client.get(PAGE))
    assert "Firing" in page, "it is judged by its new threshold at the next look, not forgotten"
    assert 'name="threshold" type="number" min="0" step="any" value="5"' in page
    assert 'value="https://8.8.8.8/hook"' in page
    assert "k3y-secret" not in page
    client.post(f"{PAGE}/dead/change", form | {"threshold": "5", "webhook": "https://8.8.8.8/hook"})
    assert "k3y-secret" in Alert.objects.get().rule, "what is not shown stays"
    (second,) = set(SECRET.findall(text_of(client.post(f"{PAGE}/dead/rotate"))))
    row = Alert.objects.get()
    assert row.valid_secrets(time.time()) == [second, first]
    assert row.valid_secrets(time.time() + 86_401) == [second]
    assert "earlier secret ends" in text_of(client.get(PAGE))
    client.post(f"{PAGE}/dead/change", form | {"webhook": ""})
    assert "New secret for" not in text_of(client.get(PAGE))
    client.post(f"{PAGE}/dead/rotate")
    assert "has no webhook" in notes_of(client)
    entry = next(each for each in team.entries()[::-1] if each.action == "alert.change")
    assert (entry.reason, entry.before["threshold"], entry.after["threshold"]) == ("<b>too early", 0, 5)
    assert "k3y-secret" not in str(entry.before)


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
    for act in ("set", "dead/change", "dead/rotate", "dead/test", "dead/remove"):
        assert viewer.post(f"{PAGE}/{act}", FORM).status_code == 403
