"""Builds the calls about schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from jobs.backends.base import Submission
from jobs.backends.call import Call
from jobs.backends.redis.codec import encode_submission, pack, pairs, rows_of, text_of, unpack
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.schedules import Fire, Manner
from jobs.domain.fire import Decided, Declaration, FireCode, FireNote, FireOutcome, NoteOutcome, ScheduleState
from jobs.domain.schedule_policy import MAX_SCHEDULES
from jobs.domain.shard import shard_of


class _Note(msgspec.Struct, array_like=True):
    """As include/fires.lua writes it."""

    nominal: float
    at: float
    outcome: NoteOutcome
    what: str | int


class _Told(msgspec.Struct, array_like=True):
    """As declare.lua writes it."""

    text: str
    since: float
    at: float


_decode_told = msgspec.msgpack.Decoder(_Told).decode
_decode_note = msgspec.msgpack.Decoder(_Note).decode


class RedisSchedules:
    """The names follow `jobs.backends.schedules.Schedules`."""

    def __init__(self, shards: Sequence[Keys], priority_step_s: int) -> None:
        self._shards = shards
        self._priority_step_s = priority_step_s

    def fire(self, fire: Fire) -> Call[Decided]:
        """Decide about instants of a schedule."""
        rows = [
            encode_submission(Submission(job_id, spec), fire.key, self._priority_step_s) for job_id, spec in fire.jobs
        ]
        args = (
            fire.schedule_id,
            fire.act,
            fire.revision,
            fire.seen,
            fire.until_ms,
            fire.overlap.value,
            pack([fire.missed, fire.last_missed]),
            pack(list(fire.nominals)),
            rows_of(rows),
        )
        return script_call("fire", self._keys_of(fire.schedule_id), args, _decided)

    def state(self, schedule_id: str) -> Call[ScheduleState]:
        """Return up to when its instants are decided."""
        return script_call("fires", self._keys_of(schedule_id), (schedule_id, 0), _state)

    def history(self, schedule_id: str, amount: int) -> Call[tuple[FireNote, ...]]:
        """Return what became of its last instants; one that was damaged from outside is passed over."""
        return script_call("fires", self._keys_of(schedule_id), (schedule_id, amount), _history)

    def declare(self, texts: Mapping[str, str], since_ms: int) -> Call[None]:
        """Keep what the code of a worker says of schedules; all of them are in the first shard."""
        batch = [part for name, text in texts.items() for part in (name, text)]
        return script_call("declare", self._shards[0], (pack(batch), since_ms, MAX_SCHEDULES), lambda _: None)

    def declared(self) -> Call[tuple[Declaration, ...]]:
        """Return what workers' code has said."""
        return script_call("declared", self._shards[0], (), _declared)

    def amend(self, schedule_id: str, revision: int, manner: Manner, seen: int = 0) -> Call[None]:
        """Tell that a schedule was changed or removed."""
        return script_call("amend", self._keys_of(schedule_id), (schedule_id, revision, manner, seen), lambda _: None)

    def _keys_of(self, schedule_id: str) -> Keys:
        return self._shards[shard_of(schedule_id, len(self._shards))]


def _decided(reply: bytes) -> Decided:
    code, now, mark, *outcomes = unpack(reply)
    told = tuple((str(job_id), cast("FireOutcome", outcome)) for job_id, outcome in pairs(outcomes))
    return Decided(cast("FireCode", code), int(now), int(mark) if mark >= 0 else None, told)


def _state(reply: Sequence[Any]) -> ScheduleState:
    now, mark, revision, ahead, _ = reply
    aside = frozenset(int(instant) for instant in unpack(ahead)) if ahead else frozenset()
    return ScheduleState(int(now), int(float(mark)) if mark else None, int(float(revision or 0)), aside)


def _declared(reply: Sequence[Any]) -> tuple[Declaration, ...]:
    now, flat = reply
    found = []
    for name, packed in pairs(flat):
        try:
            told = _decode_told(packed)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        found.append(Declaration(text_of(name), told.text, int(now) - int(told.at)))
    return tuple(found)


def _history(reply: Sequence[Any]) -> tuple[FireNote, ...]:
    return tuple(note for packed in reply[4] if (note := _note(packed)) is not None)


def _note(packed: bytes) -> FireNote | None:
    try:
        stored = _decode_note(packed)
        count = stored.what if isinstance(stored.what, int) else 1
        job_id = stored.what if isinstance(stored.what, str) and stored.what else None
        return FireNote(int(stored.nominal), int(stored.at), stored.outcome, job_id, count)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, OverflowError):
        return None
