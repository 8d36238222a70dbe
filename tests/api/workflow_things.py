"""A tenant's workflow, and what is asked about it."""

from __future__ import annotations

from jobs.domain.job import JobSpec
from jobs.domain.workflow import Step, WorkflowSpec
from jobs.services import workflow_submission
from tests.api.tenant import NOBODYS_ID, Tenant

ADDED = {
    "job_id": NOBODYS_ID,
    "lease_token": "t",
    "steps": [{"name": "b", "kind": "k"}],
}


def workflow_of(tenant: Tenant) -> str:
    """Return a workflow of one step."""
    spec = WorkflowSpec(name="theirs", steps=(Step(name="a", spec=JobSpec(kind="k")),))
    return workflow_submission.submit_workflow(tenant.system, spec)[0].workflow.id


# What a stranger may not do, for `tests.api.test_isolation`.
WORKFLOWS = {
    ("workflow", "GET"): (workflow_of, b"", NOBODYS_ID),
    ("workflow-cancel", "POST"): (workflow_of, {}, NOBODYS_ID),
    ("workflow-retry", "POST"): (workflow_of, {}, NOBODYS_ID),
    ("workflow-steps", "POST"): (workflow_of, ADDED, NOBODYS_ID),
}
