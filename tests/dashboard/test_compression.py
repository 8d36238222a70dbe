"""Pages travel compressed; what a form answers, in which a new secret may stand, and the API do not."""

from __future__ import annotations

import gzip

from jobs.access.scopes import Role
from tests.dashboard.conftest import Team

TAKES_IT = {"Accept-Encoding": "gzip, br"}


def test_a_page_is_a_small_part_of_its_size_on_the_wire_and_no_two_lengths_need_be_alike(team: Team) -> None:
    for _ in range(30):
        team.bench.submit()
    browser = team.client(Role.VIEWER)
    plain = browser.get("/console/jobs").content
    sent = [browser.get("/console/jobs", headers=TAKES_IT) for _ in range(30)]
    assert all(answer.headers["Content-Encoding"] == "gzip" for answer in sent)
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in sent)
    assert gzip.decompress(sent[0].content).count(b"data-job=") == plain.count(b"data-job=") == 30
    assert len(sent[0].content) < len(plain) / 4
    assert len({len(answer.content) for answer in sent}) > 5


def test_answers_to_forms_and_of_the_api_stay_as_they_are(team: Team) -> None:
    browser = team.client(Role.ADMIN)
    form = {"name": "n" * 40, "scope": ["jobs:read"], "expires_days": "7"}
    made = browser.post(f"/console/namespaces/{team.bench.namespace}/keys", form, headers=TAKES_IT)
    assert b"ifk_" in made.content
    assert "Content-Encoding" not in made.headers
    described = browser.get("/openapi.json", headers=TAKES_IT)
    assert described.status_code == 200
    assert "Content-Encoding" not in described.headers
