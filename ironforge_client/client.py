"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from ironforge_client import acts, environment, operations, schedule_acts, tenants, workflow_acts
from ironforge_client.acts import UNCHANGED, JobFilter
from ironforge_client.administration import Administration
from ironforge_client.connection import Connection, Place
from ironforge_client.errors import ConnectionFailed
from ironforge_client.exchange import Act, Answer, Pause, Retrying
from ironforge_client.jobs import Job, LogLine, SubmittedJob
from ironforge_client.operations import BulkFields, BulkOperation, BulkOutcome
from ironforge_client.queues import Queue, WorkerRecord
from ironforge_client.schedule_acts import Timing
from ironforge_client.schedules import Fire, Preview, Schedule
from ironforge_client.submission import BulkResult, JobFields, NewJob
from ironforge_client.tenants import ApiKey, Namespace, NamespaceRules
from ironforge_client.workflows import Holder, Workflow, WorkflowPage, WorkflowRecord

T = TypeVar("T")


class Client(Administration):
    """Submits jobs, waits for them and steers them. Keeps connections, so use one for long; threads may share it.

    A call takes at most about `timeout_s` seconds in all and sends its request at most 1 + `retries` times, only where
    a second copy does no harm. Calls raise the errors of `ironforge_client.errors`.
    """

    def __init__(
        self,
        base_url: str = environment.DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout_s: float = 30.0,
        retries: int = 4,
    ) -> None:
        self._connection = Connection(Place(base_url, api_key))
        self._retrying = Retrying(retries=retries, timeout_s=timeout_s)

    @classmethod
    def from_environment(cls, *, timeout_s: float = 30.0, retries: int = 4) -> Self:
        """Return a client for `IRONFORGE_URL` with the key `IRONFORGE_API_KEY`."""
        place = environment.place()
        return cls(place.base_url, place.api_key, timeout_s=timeout_s, retries=retries)

    def submit(
        self, kind: str, payload: Any = None, *, idempotency_key: str | None = None, **fields: Unpack[JobFields]
    ) -> SubmittedJob:
        """Submit a job. Without `idempotency_key` it gets one of its own, so that sending it again makes no second job.

        With a key of yours give `at` rather than `delay`: a repeat must ask for exactly the same.
        """
        return self._run(acts.submit({"kind": kind, "payload": payload, **fields}, idempotency_key, self._retrying))

    def submit_many(
        self, jobs: Iterable[NewJob], *, atomic: bool = False, idempotency_key: str | None = None
    ) -> BulkResult:
        """Submit any number of jobs, 10 000 or 16 MiB a request; each is accepted or refused by itself.

        `atomic`: all or none, at most 1 000. Raises BulkInterrupted when some requests were answered and one was not.
        """
        return self._run(acts.submit_many(jobs, idempotency_key, self._retrying, is_atomic=atomic))

    def get(self, job_id: str) -> Job:
        """Look at a job. Raises NotFound."""
        return self._run(acts.get(job_id, self._retrying))

    def explain(self, job_id: str) -> Mapping[str, Any]:
        """Return why a job is not running: `may_start`, `reasons`, `ahead`, `starts_about`. Raises NotFound."""
        return self._run(acts.explain(job_id, self._retrying))

    def wait(self, job_id: str, timeout_s: float = 60.0) -> Job:
        """Return the job once it is completed, cancelled or a dead letter. Raises WaitTimeout with the job so far."""
        return self._run(acts.wait(job_id, timeout_s, self._retrying))

    def log(self, job_id: str) -> tuple[LogLine, ...]:
        """Return the lines that a job's attempts wrote, oldest first. Raises NotFound."""
        return self._run(acts.job_log(job_id, self._retrying))

    def cancel(self, job_id: str, reason: str = "") -> Job:
        """Cancel a job; a running one is asked to stop and still `running` in the answer. Raises Conflict."""
        return self._run(acts.cancel(job_id, reason, self._retrying))

    def retry(self, job_id: str, *, payload: Any = UNCHANGED, reason: str = "") -> Job:
        """Send a dead letter back to its queue, with another payload if one is given. Raises Conflict."""
        return self._run(acts.retry(job_id, payload, reason, self._retrying))

    def list(self, *, page_size: int = 100, **wanted: Unpack[JobFilter]) -> Iterator[Job]:
        """Go through the jobs that fit, a page at a time; without payloads, results and attempts."""
        cursor: str | None = None
        while True:
            page = self._run(acts.list_page(wanted, page_size, cursor, self._retrying))
            yield from page.jobs
            if (cursor := page.next_cursor) is None:
                return

    def queues(self) -> tuple[Queue, ...]:
        """Return all queues."""
        return self._run(acts.queues(self._retrying))

    def pause(self, queue: str, reason: str = "") -> Queue:
        """Stop handing out a queue's jobs."""
        return self._run(acts.set_paused(queue, reason, self._retrying, is_paused=True))

    def resume(self, queue: str, reason: str = "") -> Queue:
        """Hand out a queue's jobs again."""
        return self._run(acts.set_paused(queue, reason, self._retrying, is_paused=False))

    def workers(self) -> tuple[WorkerRecord, ...]:
        """Return the workers that were seen in the last 30 s."""
        return self._run(acts.workers(self._retrying))

    def order_worker(self, worker_id: str, order: str, reason: str = "") -> None:
        """Order a worker to be `quiet` (take no more jobs), to `resume`, or to `terminate`; it hears it in seconds."""
        self._run(acts.order(worker_id, order, reason, self._retrying))

    def namespace(self, name: str) -> Namespace:
        """Return a namespace with its rules and their use."""
        return self._run(tenants.namespace(name, self._retrying))

    def create_namespace(self, name: str, *, key_name: str | None = None, **rules: Unpack[NamespaceRules]) -> Namespace:
        """Make a namespace; with `key_name` the answer has a first key of it."""
        return self._run(tenants.create_namespace(name, rules, key_name, self._retrying))

    def change_namespace(self, name: str, **rules: Unpack[NamespaceRules]) -> Namespace:
        """Change the parts of quota and retention that are named, None for no limit, and the weight if given."""
        return self._run(tenants.change_namespace(name, rules, self._retrying))

    def delete_namespace(self, name: str, reason: str = "") -> None:
        """Begin to delete a namespace with all it has."""
        self._run(tenants.delete_namespace(name, reason, self._retrying))

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Return the keys of the client's own namespace, oldest first."""
        return self._run(tenants.api_keys(self._retrying))

    def create_api_key(self, name: str, scopes: Sequence[str], *, expires_days: int | None = None) -> ApiKey:
        """Make a key of the client's own namespace; its `text` is told this once."""
        return self._run(tenants.create_api_key(name, scopes, expires_days, self._retrying))

    def revoke_api_key(self, prefix: str, reason: str = "") -> ApiKey:
        """Revoke a key for good."""
        return self._run(tenants.revoke_api_key(prefix, reason, self._retrying))

    def move(self, job_id: str, queue: str, reason: str = "") -> Job:
        """Put a job that waits into another queue. Raises Conflict."""
        return self._run(operations.place_job(job_id, "move", {"queue": queue, "reason": reason}, self._retrying))

    def reprioritise(self, job_id: str, priority: str, reason: str = "") -> Job:
        """Give a job that waits another priority. Raises Conflict."""
        fields = {"priority": priority, "reason": reason}
        return self._run(operations.place_job(job_id, "reprioritise", fields, self._retrying))

    def start_bulk(self, action: str, **fields: Unpack[BulkFields]) -> BulkOperation:
        """Retry, cancel, discard, reprioritise or move many jobs, by `filter` or `ids`; see docs/bulk-operations.md."""
        return self._run(operations.start_bulk(action, fields, self._retrying))

    def bulk_operation(self, operation_id: str) -> BulkOperation:
        """Look how far an operation is. Raises NotFound."""
        return self._run(operations.look_at_bulk(operation_id, self._retrying))

    def wait_for_bulk(self, operation_id: str, timeout_s: float = 60.0) -> BulkOperation:
        """Return an operation once it has ended or waits for somebody. Raises WaitTimeout."""
        return self._run(operations.wait_for_bulk(operation_id, timeout_s, self._retrying))

    def steer_bulk(self, operation_id: str, verb: str, reason: str = "") -> BulkOperation:
        """`abort`, `pause` or `resume` an operation. Raises Conflict."""
        return self._run(operations.steer_bulk(operation_id, verb, reason, self._retrying))

    def bulk_operations(self) -> Iterator[BulkOperation]:
        """Go through the operations, newest first."""
        cursor: str | None = None
        while True:
            found, cursor = self._run(operations.list_bulk(cursor, self._retrying))
            yield from found
            if cursor is None:
                return

    def bulk_outcomes(self, operation_id: str, *, only_undone: bool = False) -> Iterator[BulkOutcome]:
        """Go through what became of an operation's jobs; `only_undone`: of those that were skipped or failed."""
        cursor: str | None = None
        while True:
            act = operations.bulk_outcomes(operation_id, cursor, self._retrying, only_undone=only_undone)
            found, cursor = self._run(act)
            yield from found
            if cursor is None:
                return

    def schedules(self) -> tuple[Schedule, ...]:
        """Return all schedules, by name."""
        return self._run(schedule_acts.schedules(self._retrying))

    def schedule(self, name: str) -> Schedule:
        """Look at a schedule, by name or id. Raises NotFound."""
        return self._run(schedule_acts.schedule(name, self._retrying))

    def put_schedule(self, name: str, kind: str, **fields: Any) -> Schedule:
        """Let a schedule be so, and make it where there is none; doing it twice is doing it once.

        `fields`: one of `cron`, `every_ms` and `at` (a datetime with a zone), then `timezone`, `catch_up`,
        `catch_up_limit`, `overlap`, `jitter_ms` and the fields of its jobs. Raises Invalid with the place of a mistake.
        """
        return self._run(schedule_acts.put_schedule(name, kind, fields, self._retrying))

    def delete_schedule(self, name: str, reason: str = "") -> None:
        """Remove a schedule; jobs that it has made stay. Raises NotFound or Conflict."""
        self._run(schedule_acts.delete_schedule(name, reason, self._retrying))

    def pause_schedule(self, name: str, reason: str = "") -> Schedule:
        """Let nothing fire until it is resumed."""
        return self._run(schedule_acts.set_schedule_paused(name, reason, self._retrying, is_paused=True))

    def resume_schedule(self, name: str, reason: str = "") -> Schedule:
        """Let it fire from now on."""
        return self._run(schedule_acts.set_schedule_paused(name, reason, self._retrying, is_paused=False))

    def run_schedule(self, name: str, *, idempotency_key: str | None = None, reason: str = "") -> SubmittedJob:
        """Make one job of a schedule now. Without `idempotency_key` it gets one of its own."""
        return self._run(schedule_acts.run_schedule(name, idempotency_key, reason, self._retrying))

    def preview_schedule(self, name: str, count: int = 10) -> Preview:
        """Return the next instants of a schedule, and what is odd about them."""
        return self._run(schedule_acts.preview_schedule(name, count, self._retrying))

    def preview_timing(self, count: int = 10, **timing: Unpack[Timing]) -> Preview:
        """Return the next instants of what is not saved. Raises Invalid with the place of a mistake."""
        return self._run(schedule_acts.preview_timing(timing, count, self._retrying))

    def schedule_history(self, name: str) -> tuple[Fire, ...]:
        """Return what became of the last 100 instants of a schedule, newest first."""
        return self._run(schedule_acts.schedule_history(name, self._retrying))

    def submit_workflow(self, workflow: Workflow, *, idempotency_key: str | None = None) -> WorkflowRecord:
        """Submit a workflow: all of it or nothing. Raises Invalid."""
        return self._run(workflow_acts.submit(workflow, idempotency_key, self._retrying))

    def workflow(self, workflow_id: str) -> WorkflowRecord:
        """Look at a workflow and its steps. Raises NotFound."""
        return self._run(workflow_acts.get(workflow_id, self._retrying))

    def workflows(self, *, status: str | None = None, limit: int = 50, cursor: str | None = None) -> WorkflowPage:
        """Return a page of workflows, the newest start first."""
        return self._run(workflow_acts.page(status, limit, cursor, self._retrying))

    def steer_workflow(self, workflow_id: str, verb: str, reason: str = "") -> WorkflowRecord:
        """`cancel` the steps that have not ended, or `retry` those that failed or were cancelled. Raises Conflict."""
        return self._run(workflow_acts.steer(workflow_id, verb, reason, self._retrying))

    def add_steps(self, holder: Holder, workflow: Workflow) -> WorkflowRecord:
        """Add the steps of `workflow` to the one of which `holder`, a handler's context, is a step."""
        return self._run(workflow_acts.add_steps(holder, workflow, self._retrying))

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, act: Act[T]) -> T:
        return run(act, self._connection)


def run(act: Act[T], connection: Connection) -> T:
    """Do what an act asks for, and return its result."""
    answer: Answer | None = None
    failed: ConnectionFailed | None = None
    while True:
        try:
            step = act.send(answer) if failed is None else act.throw(failed)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = failed = None
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            continue
        try:
            answer = connection.send(step)
        except ConnectionFailed as error:
            failed = error
