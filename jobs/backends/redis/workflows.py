"""Builds the calls about workflows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from jobs.backends.base import MAX_BATCH, Submission
from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import encode_submission, opaque, pack, rows_of, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.redis.workflow_codec import decode_head, decode_step
from jobs.backends.workflows import MAX_READ, MAX_STAGED, GrowCode, Place, Placed, StageCode, StartCode
from jobs.domain.job import JobSpec
from jobs.domain.shard import shard_of
from jobs.domain.workflow import StepState, Workflow, WorkflowSpec

_SWEEP_ARGS = (0, 0, 0, 0, MAX_BATCH)


class RedisWorkflows:
    """The names follow `jobs.backends.workflows.Workflows`."""

    def __init__(self, shards: Sequence[Keys], priority_step_s: int) -> None:
        self._shards = shards
        self._priority_step_s = priority_step_s

    def stage(self, workflow_id: str, spec: WorkflowSpec, batch: Sequence[Placed], *, by: str) -> Call[StageCode]:
        """Store steps that wait."""
        head: dict[str, object] = {
            "name": spec.name,
            "policy": spec.on_parent_failure.value,
            "steps": len(spec.steps),
            "created_by": by,
        }
        if spec.webhook:
            head["webhook"] = spec.webhook
        if spec.callback is not None:
            head["callback"] = opaque(pack(self._callback(workflow_id, spec.callback)))
        args = (workflow_id, pack(head), self._rows(workflow_id, batch))
        return script_call("stage", self._keys_of(workflow_id), args, lambda reply: StageCode(text_of(reply)))

    def start(self, workflow_id: str, roots: Sequence[int], key: str, fingerprint: str) -> Call[tuple[StartCode, str]]:
        """Make a workflow live."""
        hashed = hashlib.sha256(key.encode()).hexdigest()[:40] if key else ""
        args = (workflow_id, _numbers(roots), hashed, fingerprint)
        return script_call("start", self._keys_of(workflow_id), args, _started)

    def unstage(self, workflow_id: str) -> Call[bool]:
        """Remove some steps of a workflow that was not started."""
        return script_call("sweep", self._keys_of(workflow_id), (workflow_id, *_SWEEP_ARGS), bool)

    def grow(self, workflow_id: str, holder: str, token: str, known: int, batch: Sequence[Placed]) -> Call[GrowCode]:
        """Add steps to a workflow that runs."""
        args = (workflow_id, holder, token, known, self._rows(workflow_id, batch))
        return script_call("grow", self._keys_of(workflow_id), args, lambda reply: GrowCode(text_of(reply)))

    def walk(
        self, workflow_id: str, verb: Literal["cancel", "retry"], request_id: str, *, by: str
    ) -> Call[tuple[str, str]]:
        """Begin to cancel the rest, or to run again what failed."""
        args = (workflow_id, verb, request_id, by)
        return script_call(
            "walk", self._keys_of(workflow_id), args, lambda reply: (text_of(reply[0]), text_of(reply[1]))
        )

    def tend(self, workflow_id: str) -> Call[bool]:
        """Go on with what is left to do."""
        return script_call("tend", self._keys_of(workflow_id), (MAX_BATCH,), bool)

    def get(self, workflow_id: str, first: int, amount: int) -> Call[tuple[Workflow, tuple[StepState, ...]] | None]:
        """Return a workflow and some of its steps."""

        def decode(reply: Sequence[Any]) -> tuple[Workflow, tuple[StepState, ...]] | None:
            return (decode_head(workflow_id, reply[0]), tuple(map(decode_step, reply[1:]))) if reply else None

        args = (workflow_id, first, min(amount, MAX_READ))
        return script_call("workflow", self._keys_of(workflow_id), args, decode)

    def newest(self, after: Place | None, limit: int) -> Call[list[tuple[Place, Workflow]]]:
        """Return workflows, the newest start first, merged from as many of each shard."""
        score, place = ("", "") if after is None else (f"{after.at:.0f}", after.workflow_id)
        steps = [script_call("workflows", keys, (score, place, -1, limit), _listed) for keys in self._shards]
        if len(steps) == 1:
            return steps[0]

        def merge(lists: list[Any]) -> list[tuple[Place, Workflow]]:
            found = [entry for some in lists for entry in some]
            found.sort(key=lambda entry: (entry[0].at, entry[0].workflow_id), reverse=True)
            return found[:limit]

        return spread(steps, merge)

    def _callback(self, workflow_id: str, spec: JobSpec) -> list[object]:
        """Return queue, rank, offset, packed spec, payload and due time, as include/workflow_end.lua takes them."""
        _, _, _, queue, rank, offset, due, packed, payload, *_ = encode_submission(
            Submission(workflow_id, _in_workflow(spec, workflow_id, "", 0)), "", self._priority_step_s
        )
        return [queue, rank, offset, packed, payload, due]

    def _rows(self, workflow_id: str, batch: Sequence[Placed]) -> bytes:
        rows = []
        for planned, job_id in batch:
            step = planned.step
            spec = _in_workflow(step.spec, workflow_id, step.name, planned.number)
            _, _, _, queue, rank, _, due, packed, payload, *_ = encode_submission(
                Submission(job_id, spec), "", self._priority_step_s
            )
            row = (planned.number, job_id, step.name, queue, rank, due, packed, payload)
            rows.append((*row, _numbers(planned.parents), _numbers(planned.children), step.on_parent_failure or ""))
        return rows_of(rows, MAX_STAGED)

    def _keys_of(self, workflow_id: str) -> Keys:
        return self._shards[shard_of(workflow_id, len(self._shards))]


def _in_workflow(spec: JobSpec, workflow_id: str, name: str, number: int) -> JobSpec:
    return msgspec.structs.replace(spec, workflow=(workflow_id, name, number))


def _numbers(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def _started(reply: Sequence[bytes]) -> tuple[StartCode, str]:
    return StartCode(text_of(reply[0])), text_of(reply[1])


def _listed(reply: Sequence[Any]) -> list[tuple[Place, Workflow]]:
    return [
        (Place(float(at), text_of(workflow_id)), decode_head(text_of(workflow_id), head))
        for workflow_id, at, head in reply
    ]
