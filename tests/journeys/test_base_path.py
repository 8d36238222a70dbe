"""The site under a path of a real nginx: both lanes, the console with its files and cookies, and the websocket."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from websockets.sync.client import connect

from tests.browser.people import make_people
from tests.deploy.tools import DEPLOY
from tests.journeys.installation import Installation, installation
from tests.processes.running import Running, free_port
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey

BASE = "/forge"
_FRAME = """daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{site}
}}
"""


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[str]:
    """Run one with our configuration before a server's port; yields its address."""
    tool = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if tool is None:
        assert not os.environ.get("CI"), "nginx is missing: apt-get install nginx-light"
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    own = free_port()
    site = (DEPLOY / "nginx" / "ironforge.conf").read_text()
    for old, new in (("listen 80;", f"listen 127.0.0.1:{own};"), ("127.0.0.1:3000", f"127.0.0.1:{port}")):
        assert site.count(old) == 1
        site = site.replace(old, new)
    (folder / "nginx.conf").write_text(_FRAME.format(folder=folder, site=site))
    with Running([tool, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]) as running:
        address = f"http://localhost:{own}"
        until(lambda: _answers(f"{address}{BASE}/health/ready"))
        yield address
        running.process.terminate()
        running.wait()


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address, timeout=WAIT_S).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, str]]:
    """Return an installation under a path, and the address of the nginx before it."""
    folder = tmp_path_factory.mktemp("forge")
    with installation(folder / "data", IRONFORGE_BASE_PATH=BASE) as running, nginx(folder, running.api.port) as address:
        yield running, address


def test_both_lanes_tell_addresses_under_the_path(forge: tuple[Installation, str]) -> None:
    running, address = forge
    # A proxy's request is a stranger's: what it may without a key is tried at the server itself.
    assert httpx2.post(f"{address}{BASE}/jobs", json={"kind": "demo.echo"}, timeout=WAIT_S).status_code == 401
    assert httpx2.get(f"{address}{BASE}/jobs", timeout=WAIT_S).status_code == 401
    assert httpx2.get(f"{address}/jobs", timeout=WAIT_S).status_code == 404, (
        "outside of the path it is nginx that answers"
    )
    for prefix in ("", "/api/v1"):
        # Twice: the head of the second is known.
        for _ in range(2):
            made = running.api.ask("POST", f"{BASE}{prefix}/jobs", {"kind": "demo.echo", "payload": 7})
            assert made.status == 202
            assert made.headers["location"] == f"{BASE}{prefix}/jobs/{made.body['id']}"
            assert running.api.ask("GET", f"{made.headers['location']}?wait=20").body["result"] == 7
    bulk = running.api.ask("POST", f"{BASE}/bulk-operations", {"action": "cancel", "ids": [made.body["id"]]})
    assert bulk.headers["location"] == f"{BASE}/bulk-operations/{bulk.body['id']}"
    worker = running.api.ask("POST", f"{BASE}/workers", {"queues": ["q"]})
    assert worker.headers["location"] == f"{BASE}/workers/{worker.body['worker_id']}"
    assert running.api.ask("GET", "/health/ready").status == 200, "probes need not know the path"
    document = httpx2.get(f"{address}{BASE}/openapi.json", timeout=WAIT_S).json()
    assert [server["url"] for server in document["servers"]] == [BASE, f"{BASE}/api/v1"]
    assert "/jobs" in document["paths"]


def test_the_console_links_sets_cookies_and_listens_under_the_path(forge: tuple[Installation, str]) -> None:
    running, address = forge
    viewer = make_people(running.data_dir, ("default",))["default", "viewer"]
    with httpx2.Client(follow_redirects=True, timeout=WAIT_S) as browser:
        login = browser.get(f"{address}{BASE}")
        assert str(login.url).startswith(f"{address}{BASE}/console/login?next=%2Fforge%2Fconsole%2F")
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', login.text)
        greeting = running.data_dir.parent / "data.stderr"
        until(lambda: bool(re.search(r"admin / \S+\s", greeting.read_text())))  # said after all are ready
        password = re.findall(r"admin / (\S+)", greeting.read_text())[-1]
        form = {"account": "admin", "password": password, "csrfmiddlewaretoken": token, "next": f"{BASE}/console/jobs"}
        inside = browser.post(str(login.url), data=form, headers={"Origin": address})
        assert (inside.status_code, str(inside.url)) == (200, f"{address}{BASE}/console/jobs")
        told = {(cookie.name, cookie.path) for cookie in browser.cookies.jar}
        assert told == {("ironforge_csrf", BASE), ("ironforge_session", BASE)}
    session = {"Cookie": f"ironforge_session={viewer.session_key}"}
    with httpx2.Client(headers=session, timeout=WAIT_S) as browser:
        for page in ("", "jobs", "queues", "workers", "dead-letters"):
            shown = browser.get(f"{address}{BASE}/console/{page}")
            assert shown.status_code == 200
            places = re.findall(r"(?:href|src|action|hx-[a-z]+)=\"(/[^\"]*)\"", shown.text)
            assert places
            assert [place for place in places if not place.startswith(f"{BASE}/")] == []
        for place in {place for place in places if place.startswith(f"{BASE}/static/")}:
            assert browser.get(urljoin(address, place)).status_code == 200, place
        assert f'href="{BASE}/console/"' in browser.get(f"{address}{BASE}/console/nothing-here").text
        # What the scripts go by, which find the site two folders above themselves.
        assert browser.get(f"{address}{BASE}/static/js/place.js").status_code == 200
    with connect(
        f"{address.replace('http', 'ws', 1)}{BASE}/console/ws",
        origin=address,  # type: ignore[arg-type]
        additional_headers=session,
        open_timeout=WAIT_S,
    ) as socket:
        assert json.loads(socket.recv(WAIT_S))["gap"] is True
        running.api.submit("demo.echo")
        while "changes" not in json.loads(socket.recv(WAIT_S)):
            pass
