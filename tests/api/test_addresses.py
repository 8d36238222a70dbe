"""Addresses and methods: the same at the root and under `/api/v1`, no trailing slash, no other verb, no other host."""

from __future__ import annotations

import pytest

from jobs.api.routes import ROUTES
from tests.api.lane import each_lane
from tests.api.refusals import is_problem
from tests.api.tenant import NOBODYS_ID, Tenant

PREFIXES = ["", "/api/v1"]
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "NONSENSE"]
PUBLIC = ["health", "health-live", "health-ready", "metrics", "openapi", "docs"]


def address(path: str) -> str:
    """Return an address of the route; what it names is nobody's."""
    filled = path.replace("<str:name>", "q").replace("<str:job_id>", NOBODYS_ID)
    return "/" + filled.replace("<str:operation_id>", NOBODYS_ID)


def known(name: str) -> set[str]:
    """Return the methods of a route."""
    route = next(route for route in ROUTES if route.name == name)
    return set(route.actions) or {"GET"}


each_route = pytest.mark.parametrize(("name", "path"), [(route.name, route.path) for route in ROUTES])


@each_lane
@pytest.mark.parametrize("prefix", PREFIXES)
@each_route
def test_a_route_is_there_with_its_methods_only(tenant: Tenant, name: str, path: str, prefix: str) -> None:
    for verb in VERBS:
        answer = tenant.ask(verb, prefix + address(path))
        if verb in known(name):
            assert answer.status not in (405, 500, 503), (verb, answer)
        else:
            assert (answer.status, answer.code) == (405, "method_not_allowed"), verb
            assert set(answer.headers["allow"].split(", ")) >= known(name)
            assert is_problem(answer)


@each_route
def test_a_trailing_slash_is_another_address(tenant: Tenant, name: str, path: str) -> None:
    for prefix in PREFIXES:
        for verb in sorted(known(name)):
            answer = tenant.ask(verb, f"{prefix}{address(path)}/")
            assert (answer.status, answer.code) == (404, "not_found")
            assert "no slash at the end" in answer.body["detail"]
            assert is_problem(answer)


@pytest.mark.parametrize(
    "target",
    [
        *("/nothing", "/Jobs", "//jobs", "/jobs//", "/api", "/api/v1", "/api/v2/jobs", "/jobs/../jobs", "/%00"),
        *("/.env", "/queues/main", "/jobs/bulk/x", "/jobs/%2e%2e/queues", "/%ff", "/api/v1/api/v1/jobs"),
    ],
)
def test_an_address_of_nothing_is_not_found(tenant: Tenant, target: str) -> None:
    answer = tenant.ask("GET", target)
    assert (answer.status, answer.code) == (404, "not_found")
    assert is_problem(answer)


@each_lane
@each_route
def test_options_name_the_methods_and_share_nothing(tenant: Tenant, name: str, path: str) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:3000"):
        headers = {"origin": origin, "Access_Control_Request_Method": "POST"}
        answer = tenant.ask_anonymously("OPTIONS", address(path), **headers)
        assert answer.status == 204
        assert answer.raw == b""
        assert set(answer.headers["allow"].split(", ")) >= known(name)
        assert not [header for header in answer.headers if header.startswith("access-control-")]


@each_lane
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_no_answer_is_shared_with_another_site(tenant: Tenant, origin: str) -> None:
    job_id = tenant.submit()
    for method, target in (("GET", f"/jobs/{job_id}"), ("POST", "/jobs"), ("GET", "/queues"), ("GET", "/health")):
        answer = tenant.ask(method, target, {"kind": "k"} if method == "POST" else b"", origin=origin)
        assert answer.status < 300
        assert not [header for header in answer.headers if header.startswith("access-control-")]


@each_lane
def test_head_is_answered_like_get(tenant: Tenant) -> None:
    job_id = tenant.submit()
    for target in ("/jobs", f"/jobs/{job_id}", "/queues", "/queues/stats", "/workers", "/health", "/openapi.json"):
        shown, head = tenant.ask("GET", target), tenant.ask("HEAD", target)
        assert (head.status, head.headers["content-type"]) == (shown.status, shown.headers["content-type"])
    assert tenant.ask_anonymously("HEAD", "/jobs").status == 401


@each_lane
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_answer_guards_its_reader(tenant: Tenant, method: str, prefix: str) -> None:
    targets = [address(route.path) for route in ROUTES] + ["/nothing", "/jobs/x/y", "/queues/A/pause"]
    for target in targets:
        for answer in (
            tenant.ask(method, prefix + target, b"{" if method == "POST" else b""),
            tenant.ask_anonymously(method, prefix + target),
        ):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy, target
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            is_fixed = target in ("/openapi.json", "/docs") and answer.status == 200
            assert answer.headers["cache-control"] == ("public, max-age=3600" if is_fixed else "no-store")
            assert "server" not in answer.headers


@each_lane
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "localhost:3000@evil", "127.0.0.1.nip.io"]
)
def test_another_host_is_refused(tenant: Tenant, host: str) -> None:
    for method, target in (("POST", "/jobs"), ("GET", f"/jobs/{NOBODYS_ID}"), ("GET", "/health"), ("GET", "/nothing")):
        answer = tenant.ask(method, target, {"kind": "k"} if method == "POST" else b"", host=host)
        assert (answer.status, answer.code) == (400, "bad_request"), target
    assert tenant.stored() == {}


@each_lane
def test_a_forwarded_host_changes_nothing(tenant: Tenant) -> None:
    forwarded = {"X_Forwarded_Host": "evil.example", "X_Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = tenant.ask("POST", "/jobs", {"kind": "k"}, **forwarded)
    assert answer.status == 202
    assert "evil" not in str(answer.headers)


@each_lane
@pytest.mark.parametrize(
    ("offered", "is_kept"), [("mine-1.a_B", True), ("a" * 64, True), ("a" * 65, False), ("x y", False)]
)
def test_a_request_is_named_by_its_client_or_by_us(tenant: Tenant, offered: str, is_kept: bool) -> None:
    for target in ("/queues", f"/jobs/{NOBODYS_ID}", f"/jobs/{tenant.submit()}"):
        named = tenant.ask("GET", target, x_request_id=offered).headers["x-request-id"]
        assert (named == offered) is is_kept
        assert named.replace(".", "").replace("-", "").replace("_", "").isalnum()


@each_lane
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense", "application/json;q=0"])
def test_there_is_one_representation_whatever_is_accepted(tenant: Tenant, accept: str) -> None:
    answer = tenant.ask("GET", f"/jobs/{tenant.submit()}", accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert tenant.ask("GET", "/queues?format=xml", accept=accept).status == 422
