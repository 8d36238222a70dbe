"""Bodies that are none, at every address that reads one: a refusal that says what is wrong, never a fault of ours."""

from __future__ import annotations

import pytest

from jobs.access.scopes import KEY_SCOPES, Role
from tests.api.lane import LANES, Answer
from tests.api.refusals import is_problem
from tests.api.tenant import Tenant
from tests.api.test_bodies import MALFORMED
from tests.hostile.conftest import SignIn
from tests.hostile.corpus import BROKEN, FORMS, MEDIA_TYPES
from tests.hostile.site_table import API, CONSOLE, DATA_PLANE, PROTOCOL, ROWS, Body, Row, address
from tests.hostile.test_who import leads_to_login

MEBIBYTE = 1024 * 1024
LIMITS = {Body.JSON: MEBIBYTE, Body.OPTIONAL: MEBIBYTE, Body.BULK: 16 * MEBIBYTE, Body.LARGE: 16 * MEBIBYTE}
# Under `api/v1/` the same views answer; the data plane judges its addresses itself, so its own are tried everywhere.
OF_BOTH = {(row.method, row.path) for row in [*DATA_PLANE.values(), *PROTOCOL.values()]}
CASES = [
    pytest.param(lane, row, id=f"{row} {lane}")
    for lane in LANES
    for row in ROWS
    if row.body in LIMITS
    and ((row.method, row.path.removeprefix("api/v1/")) in OF_BOTH or (row in API and lane == "data-plane"))
]
each_reader = pytest.mark.parametrize(("lane", "row"), CASES, indirect=["lane"])


def whole(tenant: Tenant) -> str:
    """Return the head of a key with every scope that a key may hold."""
    return f"Bearer {tenant.key(*sorted(scope.value for scope in KEY_SCOPES))}"


def refused(row: Row, answer: Answer) -> None:
    """Fail unless it is a refusal that names what is wrong."""
    assert 400 <= answer.status < 500, (row, answer)
    assert is_problem(answer), row
    assert answer.body["errors"], (row, answer)


@each_reader
def test_what_is_no_json_is_refused_with_what_is_wrong(tenant: Tenant, row: Row) -> None:
    bodies = [*[body for body, _ in MALFORMED.values()], *BROKEN]
    requests = [tenant.request(row.method, address(row), body, authorization=whole(tenant)) for body in bodies]
    for body, answer in zip(bodies, tenant.lane.ask_all(requests, at_once=4), strict=True):
        if row.body is Body.BULK and answer.status == 202:
            assert (answer.body["accepted"], answer.body["rejected"]) == (0, 1), body
        else:
            refused(row, answer)
            assert row.body in (Body.BULK, Body.LARGE) or answer.status == 400, (body, answer)
    assert tenant.stored() == {}


@each_reader
def test_another_type_is_refused(tenant: Tenant, row: Row) -> None:
    for media_type in MEDIA_TYPES:
        answer = tenant.ask(
            row.method, address(row), {"kind": "k"}, content_type=media_type, authorization=whole(tenant)
        )
        assert (answer.status, answer.code) == (415, "unsupported_media_type"), media_type
        assert is_problem(answer)
    for encoding in ("gzip", "br", "zstd", "identity, gzip", "x"):
        answer = tenant.ask(
            row.method, address(row), {"kind": "k"}, content_encoding=encoding, authorization=whole(tenant)
        )
        assert (answer.status, answer.code) == (415, "unsupported_encoding"), encoding


@each_reader
def test_one_byte_too_much_is_refused_declared_or_not(tenant: Tenant, row: Row) -> None:
    limit = LIMITS[row.body]
    declarations: list[dict[str, str]] = [{}, {"content_length": str(limit + 1)}, {"content_length": "9" * 30}]
    for declared in declarations:
        answer = tenant.ask(
            row.method, address(row), b"[" + b" " * (limit - 1) + b"]", authorization=whole(tenant), **declared
        )
        assert (answer.status, answer.code) == (413, "too_large"), declared
        assert is_problem(answer)
    assert tenant.stored() == {}


@pytest.mark.parametrize("role", [None, Role.OPERATOR])
@pytest.mark.parametrize("name", FORMS)
def test_no_form_is_a_fault_of_ours(tenant: Tenant, sign_in: SignIn, name: str, role: Role | None) -> None:
    browser = sign_in(tenant, role)
    letter = tenant.bench.dead_letter()
    before = tenant.stored()
    media_type, body = FORMS[name]
    for row in [row for row in CONSOLE if row.body is Body.FORM and not row.path.endswith(("logout", "pause"))]:
        thing = letter if row.path.endswith(("run-now", "cancel")) else ""
        answer = tenant.lane.ask(browser.request("POST", address(row, thing), body, content_type=media_type))
        assert answer.status in (302, 303, 400, 401, 403, 413, 422), (row, answer)
        assert not leads_to_login(answer)
        assert "Traceback" not in answer.raw.decode()
    assert tenant.stored() == before


def test_a_form_beyond_its_bound_is_refused(tenant: Tenant, sign_in: SignIn) -> None:
    browser = sign_in(tenant, Role.OPERATOR)
    body = b"reason=" + b"x" * MEBIBYTE
    requests = [browser.request("POST", address(row), body) for row in CONSOLE if row.body is Body.FORM]
    assert {answer.status for answer in tenant.lane.ask_all(requests, at_once=2)} == {413}
