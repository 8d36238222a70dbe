"""Safeties that a run can switch off, one at a time: a torture that stays green without them is worth nothing.

The product has no switch for any of this. A sabotage is a changed copy of its Lua scripts, which the processes of the
run load in place of theirs (`duties/unsafe.py`), or a store that is run carelessly.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from jobs.backends.redis.scripts import LUA_DIR
from tests.torture.schedule import Focus
from tests.torture.trouble import BOTH, UP


@dataclass(frozen=True)
class Edit:
    """One change of one script: `old` must be there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Sabotage:
    """One safety: what it is, how it is switched off, what a run without it is about, and which invariants notice."""

    name: str
    meaning: str
    focus: Focus
    noticed_by: tuple[int, ...]
    edits: tuple[Edit, ...] = ()
    new_files: tuple[tuple[str, str], ...] = ()


_POP_DUE = """-- Takes due jobs out of their index and leaves the rest to a second call, which may never come.
-- FLAGS allow-oom
-- KEYS  scheduled  zset  delayed jobs by due time (ms)
-- KEYS  failed     zset  retries by due time (ms)
-- ARGV  limit      most of each
-- RETURN  ids
-- @include now
local popped = {}
for _, index in ipairs({scheduled, failed}) do
  for _, id in ipairs(redis.call('ZRANGE', index, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
    redis.call('ZREM', index, id)
    popped[#popped + 1] = id
  end
end
return popped
"""

SABOTAGES = {
    each.name: each
    for each in (
        Sabotage(
            "reaper",
            "leases that ran out are never ended",
            Focus(("worker_kill", "child_kill")),
            (10,),
            (
                Edit("reap.lua", "if is_grace() then", "if true then"),
                Edit("lose_worker.lua", "if job and job.worker_id == dead_worker then", "if false then"),
            ),
        ),
        Sabotage(
            "token",
            "whoever settles or renews is believed, whatever the token",
            # Outcomes that wait for a black hole to end, while another runs the job again.
            Focus(("link_hold",), ("worker-1",), (1.7, 1.9), (BOTH,), (3700, 4000), (("long", 60),)),
            (4, 5, 6),
            (
                Edit("include/settle_one.lua", "job.token == token", "true"),
                Edit("extend.lua", "and string.match(job[2] or '', '%S+') == item[2] then", "then"),
            ),
        ),
        Sabotage(
            "remote_token",
            "workers over HTTP are believed, whatever the token",
            # Outcomes that wait in the network, while another worker over HTTP runs the job again.
            Focus(("link_hold",), ("remote-1",), (1.7, 1.9), (UP,), (3700, 4000), (("remote_long", 120),)),
            (4, 5, 6),
            (
                Edit("include/settle_one.lua", "job.token == token", "true"),
                Edit("extend.lua", "and string.match(job[2] or '', '%S+') == item[2] then", "then"),
            ),
        ),
        Sabotage(
            "promotion",
            "due jobs are taken out in one call and made ready in another",
            Focus(("worker_kill", "link_cut"), mix=(("delayed", 30),)),
            (14,),
            (Edit("include/claim_new.lua", "due_at = promote_first(PROMOTE_LIMIT)", "due_at = next_due()"),),
            (("pop_due.lua", _POP_DUE),),
        ),
        Sabotage(
            "repeats",
            "a repeated call is carried out again in place of being answered as before",
            Focus(("link_swallow",), mix=(("repeated", 30),), gaps_ms=(200, 1000)),
            (3, 11),
            (
                Edit(
                    "include/known.lua", "return may_repeat and repeated(id) or replayed(idempotency, fingerprint)", ""
                ),
                Edit("include/settle_one.lua", "if earlier_token == token then", "if false then"),
                Edit("include/act.lua", "if by == request_id then", "if false then"),
                Edit("claim.lua", "if is_asked_again(last) then", "if false then"),
            ),
        ),
        Sabotage(
            "time",
            "the clock of who asks decides, not the store's",
            Focus(("clock_jump",)),
            (6, 9),
            (
                Edit(
                    "include/now.lua",
                    "local clock = redis.call('TIME')\nlocal now_us = clock[1] * 1000000 + clock[2]",
                    "local now_us = tonumber(client_clock)",
                ),
            ),
        ),
        Sabotage(
            "cancel",
            "cancelling and settling do not look at the job's status",
            Focus(("worker_stop",), mix=(("cancelled", 40),)),
            (7,),
            (
                Edit(
                    "include/cancel_job.lua",
                    "    redis.call('HSET', key, 'cancel_by', by)\n"
                    "    changed(id, 'running', job.queue)\n    return 'requested', 'running'",
                    "    end_waiting(id, job.spec, job.status, 'cancelled', by)\n    return 'done', 'cancelled'",
                ),
                Edit("include/running.lua", "    if f[1] ~= 'running' then\n      return nil\n    end\n", ""),
            ),
        ),
        Sabotage(
            "instants",
            "instants of a schedule are fired whether or not somebody else has",
            Focus(("worker_stop",)),
            (12,),
            (Edit("fire.lua", "elseif not is_by_hand and mark and mark ~= seen then", "elseif false then"),),
        ),
        Sabotage(
            "parents",
            "a step goes when the first of its parents is done",
            Focus(("worker_kill",), mix=(("graph", 30),)),
            (13,),
            (
                Edit(
                    "include/release.lua",
                    "(steps.add(key, 'p' .. child, -1) or 1) <= 0",
                    "steps.add(key, 'p' .. child, -1)",
                ),
            ),
        ),
        Sabotage(
            "limits",
            "a job is handed out whether or not its limits have a place",
            Focus(("worker_kill",), mix=(("limited", 30), ("keyed", 30))),
            (15,),
            (Edit("include/claim_lease.lua", "are_limited and not has_place(spec, id, queue, score)", "false"),),
        ),
        Sabotage(
            "durability",
            "the store syncs once a second, and the power fails when it is killed",
            Focus(("store_kill",)),
            (20,),
        ),
    )
}

_CLOCK_ARGUMENT = "-- ARGV  client_clock  time of who asks (µs)\n-- RETURN"


def make_scripts(sabotage: Sabotage, folder: Path) -> None:
    """Write the scripts without that safety into `folder`. Fails when the product's text has changed."""
    shutil.copytree(LUA_DIR, folder)
    for edit in sabotage.edits:
        path = folder / edit.file
        text = path.read_text(encoding="utf-8")
        assert text.count(edit.old) == 1, (
            f"{edit.file} has changed: how is {sabotage.name!r} switched off now? {edit.old!r}"
        )
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    for name, text in sabotage.new_files:
        (folder / name).write_text(text, encoding="utf-8")
    if sabotage.name == "time":
        _ask_for_clocks(folder)


def _ask_for_clocks(folder: Path) -> None:
    """Let every script that knows the time take it as an argument."""
    for path in folder.glob("*.lua"):
        text = path.read_text(encoding="utf-8")
        if "-- @include now\n" in text:
            path.write_text(text.replace("-- RETURN", _CLOCK_ARGUMENT, 1), encoding="utf-8")
