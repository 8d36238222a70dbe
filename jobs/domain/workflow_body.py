"""From the body of a request to a workflow, or to steps that are added to one, with every problem named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jobs.domain import naming
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import DEEP, FieldReader, read_object
from jobs.domain.job import JobSpec
from jobs.domain.target import InvalidTarget, read_target
from jobs.domain.validation import parse_job
from jobs.domain.workflow import MAX_ADDED, MAX_EDGES, MAX_STEPS, OnParentFailure, Step, WorkflowSpec, cycle_in

_FIELDS = frozenset({"name", "steps", "on_parent_failure", "callback", "webhook"})
_STEP_FIELDS = ("name", "after", "before", "on_parent_failure")
# An answer names no more.
_MAX_PROBLEMS = 100
_RULE = f"^{naming.KIND.pattern}$"


def read_workflow(body: bytes, *, now_ms: int) -> WorkflowSpec:
    """Return the workflow that a JSON text asks for. Raises MalformedInput, or InvalidInput with the problems."""
    made: list[WorkflowSpec] = []

    def take(fields: FieldReader) -> None:
        found: list[Problem] = []
        name = fields.name("name", naming.is_kind, _RULE, None)
        policy = OnParentFailure(fields.choice("on_parent_failure", tuple(OnParentFailure), OnParentFailure.CANCEL))
        steps = _steps(fields, MAX_STEPS, (), found, now_ms)
        callback = _callback(fields, found, now_ms)
        webhook = _webhook(fields)
        _raise_few(found)
        made.append(WorkflowSpec(name=name, steps=steps, on_parent_failure=policy, callback=callback, webhook=webhook))

    read_object(body, _FIELDS, take, max_depth=DEEP)
    return made[0]


def read_added(body: bytes, *, now_ms: int) -> tuple[str, str, tuple[Step, ...]]:
    """Return who adds steps, as (job id, lease token), and the steps; names of steps that are there are not judged."""
    made: list[tuple[str, str, tuple[Step, ...]]] = []

    def take(fields: FieldReader) -> None:
        found: list[Problem] = []
        job_id, token = fields.text("job_id", 64), fields.text("lease_token", 200)
        for field, value in (("job_id", job_id), ("lease_token", token)):
            if not value:
                fields.refuse(field, "required", f"{field} is required.")
        steps = _steps(fields, MAX_ADDED, None, found, now_ms)
        _raise_few(found)
        made.append((job_id, token, steps))

    read_object(body, frozenset({"job_id", "lease_token", "steps"}), take)
    return made[0]


def judge_graph(steps: Collection[Step], known: Collection[str] | None) -> list[Problem]:
    """Return what is wrong with the edges of steps; `known` names others that are there, None: any may be."""
    problems: list[Problem] = []
    names: dict[str, int] = {}
    for place, step in enumerate(steps):
        if step.name in names:
            detail = f"{step.name!r} is the name of another step, too."
            problems.append(Problem(f"/steps/{place}/name", "duplicate_name", detail))
        names.setdefault(step.name, place)
    for place, step in enumerate(steps):
        for field, others in (("after", step.after), ("before", step.before)):
            for at, other in enumerate(others):
                if other == step.name:
                    detail = "A step cannot wait for itself."
                    problems.append(Problem(f"/steps/{place}/{field}/{at}", "cycle", detail))
                elif known is not None and other not in names and other not in known:
                    detail = f"There is no step {other[:64]!r}."
                    problems.append(Problem(f"/steps/{place}/{field}/{at}", "unknown_step", detail))
    if sum(len(step.after) + len(step.before) for step in steps) > MAX_EDGES:
        problems.append(Problem("/steps", "too_many", f"A workflow has at most {MAX_EDGES} edges."))
    return problems or _cycle(steps, names)


def _cycle(steps: Collection[Step], names: Mapping[str, int]) -> list[Problem]:
    after: dict[str, list[str]] = {step.name: [name for name in step.after if name in names] for step in steps}
    for step in steps:
        for child in step.before:
            if child in after:
                after[child].append(step.name)
    cycle = cycle_in(after)
    if not cycle:
        return []
    shown = " → ".join([*reversed(cycle), cycle[-1]][:12])
    return [Problem(f"/steps/{names[cycle[0]]}/after", "cycle", f"These steps wait for one another: {shown}.")]


def _steps(
    fields: FieldReader, most: int, known: Collection[str] | None, found: list[Problem], now_ms: int
) -> tuple[Step, ...]:
    steps = []
    for place, item in fields.items("steps", most, is_required=True):
        if len(found) >= _MAX_PROBLEMS:
            break
        step = _step(item, f"/steps/{place}", found, now_ms, may_precede=known is None)
        if step is not None:
            steps.append(step)
    if not found:
        found += judge_graph(steps, known)
    return tuple(steps)


def _step(item: object, pointer: str, found: list[Problem], now_ms: int, *, may_precede: bool) -> Step | None:
    if not isinstance(item, dict):
        found.append(Problem(pointer, "invalid_type", "A step must be a JSON object."))
        return None
    own: dict[str, Any] = {name: item[name] for name in _STEP_FIELDS if name in item}
    known = frozenset(_STEP_FIELDS) if may_precede else frozenset(_STEP_FIELDS) - {"before"}
    reader = FieldReader(own, pointer, found, known)
    name = reader.name("name", naming.is_kind, _RULE, None)
    after = reader.names("after", MAX_STEPS, naming.is_kind, _RULE, is_required=False)
    before = reader.names("before", MAX_STEPS, naming.is_kind, _RULE, is_required=False) if may_precede else ()
    policy = None
    if reader.has("on_parent_failure"):
        choice = reader.choice("on_parent_failure", tuple(OnParentFailure), OnParentFailure.CANCEL)
        policy = OnParentFailure(choice)
    spec = _job({field: value for field, value in item.items() if field not in own}, pointer, found, now_ms)
    if spec is None:
        return None
    return Step(name=name, spec=spec, after=after, before=before, on_parent_failure=policy)


def _job(source: object, pointer: str, found: list[Problem], now_ms: int) -> JobSpec | None:
    try:
        spec = parse_job(source, now_ms=now_ms, pointer=pointer)
    except InvalidInput as refusal:
        found += refusal.problems
        return None
    for field in ("unique", "debounce"):
        if getattr(spec, field) is not None:
            # Its time in a workflow is that of its parents, not that of another job.
            found.append(Problem(f"{pointer}/{field}", "not_in_workflow", f"A step cannot be {field}."))
    return spec


def _callback(fields: FieldReader, found: list[Problem], now_ms: int) -> JobSpec | None:
    if not fields.has("callback"):
        return None
    return _job(fields.value("callback"), "/callback", found, now_ms)


def _webhook(fields: FieldReader) -> str | None:
    value = fields.value("webhook")
    if value is None:
        return None
    if not isinstance(value, str):
        fields.refuse("webhook", "invalid_type", "webhook must be a URL.")
        return None
    try:
        read_target(value)
    except InvalidTarget as wrong:
        fields.refuse("webhook", "invalid_url", str(wrong))
    return value


def _raise_few(found: list[Problem]) -> None:
    if found:
        raise InvalidInput(found[:_MAX_PROBLEMS])
