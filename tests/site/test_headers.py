"""Every answer of the site: for the right host, with the headers that protect a browser, under a request id."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = ["/", "/nothing/here", "/console/nothing/here", "/api/v1/nothing"]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_has_the_headers(client: Client, address: str) -> None:
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-ID"]
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_host_is_refused_everywhere(client: Client, address: str) -> None:
    for headers in ({"host": "evil.example"}, {"host": "localhost:3000@evil"}, {"host": ""}):
        answer = client.get(address, headers=headers)
        assert answer.status_code == 400, headers
        assert "Content-Security-Policy" in answer.headers
    assert client.get(address, headers={"host": "localhost", "x-forwarded-host": "evil.example"}).status_code != 400


@pytest.mark.django_db
def test_a_program_gets_a_problem_document_and_a_person_a_page(client: Client) -> None:
    answer = client.get("/nothing/here", headers={"X-Request-ID": "mine-1"})
    document = json.loads(answer.content)
    assert (answer.status_code, document["code"], document["request_id"]) == (404, "not_found", "mine-1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-ID"] == "mine-1"
    page = client.get("/console/nothing/here")
    assert page.status_code in (302, 404)
    assert page.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("offered", ["a" * 65, "x y", "<script>", "é", "a/b"])
def test_a_request_id_that_is_no_plain_word_is_replaced(client: Client, offered: str) -> None:
    given = client.get("/nothing/here", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
    assert given != offered
    assert given.isalnum()


def test_a_stylesheet_is_compressed_for_who_takes_that(client: Client) -> None:
    plain = client.get("/static/css/tables.css")
    packed = client.get("/static/css/tables.css", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert int(packed.headers["Content-Length"]) == len(packed.content) < len(plain.content) / 2
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_nothing_is_shared_across_origins(client: Client) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for address in ("/jobs", "/nothing/here", "/console/"):
        answer = client.options(address, headers=headers)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def _heavy_modules(tmp_path: Path, **settings: str) -> str:
    """Return what of the heavy packages a worker loads at its start."""
    program = (
        "import sys; sys.argv = ['manage.py', 'runworker_ironforge'];"
        "from ironforge_site import environment; environment.prepare(sys.argv);"
        "import django; django.setup();"
        "heavy = {'rest_framework', 'channels', 'django_prometheus', 'django.contrib.auth', 'whitenoise'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {"IRONFORGE_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_a_worker_loads_no_web_framework(tmp_path: Path) -> None:
    assert _heavy_modules(tmp_path) == "[]"


def test_a_worker_loads_users_where_a_package_has_models_or_they_are_asked_for(tmp_path: Path) -> None:
    texts = {
        "plain/handlers.py": "",
        "with_models/models.py": "",
        "in_folder/models/people.py": "",
        "speaks/deeper/mail.py": "from django.contrib.auth import get_user_model",
        "alone.py": "from django.contrib.auth import get_user_model",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    users = "['django.contrib.auth']"
    assert _heavy_modules(tmp_path, IRONFORGE_HANDLERS="plain") == "[]"
    assert _heavy_modules(tmp_path, IRONFORGE_HANDLERS="plain", IRONFORGE_WORKER_AUTH="on") == users
    assert _heavy_modules(tmp_path, IRONFORGE_HANDLERS="plain,with_models") == users
    for package in ("in_folder", "speaks", "alone"):
        assert _heavy_modules(tmp_path, IRONFORGE_HANDLERS=package) == users


def test_a_bad_setting_stops_the_command_with_one_line_and_code_two(tmp_path: Path) -> None:
    environment = {"IRONFORGE_DATA_DIR": str(tmp_path), "IRONFORGE_PORT": "many"}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert run.stderr.startswith("ironforge: IRONFORGE_PORT: ")
    assert len(run.stderr.splitlines()) == 1
