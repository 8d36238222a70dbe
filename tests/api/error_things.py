"""A tenant's group of errors, and its deploy marks."""

from __future__ import annotations

import secrets

from jobs.access.deploy import Deploy
from jobs.domain.error_group import ErrorTally
from jobs.domain.job import JobError
from jobs.domain.status import Status
from jobs.services import deploys
from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.verb import Verb
from tests.stores import Bench


def error_group_of(tenant: Tenant, message: str = "theirs") -> str:
    """Return the id of a group that has one failure."""
    return group_on(tenant.bench, message)


def group_on(bench: Bench, message: str, error_type: str = "ValueError") -> str:
    """Return the id of a group of a namespace that has one failure."""
    tally = ErrorTally()
    tally.note("demo.echo", bench.submit(), JobError(error_type, message), Status.FAILED, "1.0")
    blames = tally.take()
    bench.run(bench.backend.error_groups(bench.namespace).blame(blames))
    return blames[0].id


def deploy_of(tenant: Tenant, version: str = "theirs") -> str:
    """Return the id of a mark, so long that no other number in an answer looks like it."""
    made = deploys.mark_deploy(tenant.system, version)
    long_id = 10**15 + secrets.randbelow(10**15)
    Deploy.objects.filter(pk=made.pk).update(id=long_id)
    return str(long_id)


def _on_error_group(tenant: Tenant, mark: str) -> Request:
    return tenant.request("GET", f"/error-groups/{error_group_of(tenant, mark)}")


def _remove_mark(tenant: Tenant, mark: str) -> Request:
    return tenant.request("DELETE", f"/deploys/{deploy_of(tenant, mark)}")


# For `tests.api.verbs`.
ERROR_VERBS = {
    "error groups": Verb(("error-groups", "GET"), lambda tenant, _: tenant.request("GET", "/error-groups")),
    "error group": Verb(("error-group", "GET"), _on_error_group),
    "deploys": Verb(("deploys", "GET"), lambda tenant, _: tenant.request("GET", "/deploys")),
    "mark a deploy": Verb(
        ("deploys", "POST"), lambda tenant, mark: tenant.request("POST", "/deploys", {"version": mark}), 201
    ),
    "remove a mark": Verb(("deploy", "DELETE"), _remove_mark, 204, again=(404,)),
}
