"""The command line's options about processes: whose jobs they run, how they isolate, when they are replaced."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from jobs.domain.naming import DEFAULT_NAMESPACE
from workers.options import (
    CHILDREN_PER_PROCESSOR,
    DEFAULT_CHILD_GRACE_S,
    ChildOptions,
    parse_children,
    parse_recycling,
)
from workers.recycling import Recycling


def add_process_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--namespace",
        default=DEFAULT_NAMESPACE,
        metavar="A,B",
        help="whose jobs to run (default default); several take turns by weight in each process, and `all` follows "
        "namespaces that come and go",
    )
    group = parser.add_argument_group(
        "replacing worker processes",
        "A process that reached a bound takes no new job, lets the running ones end within\n"
        "--grace and exits; the next takes its place before that. With one of these a parent\n"
        "stands behind the process, as with --processes.",
    )
    _add_bounds(group.add_argument, "--max-", "process", "some 50 at the start")
    group = parser.add_argument_group(
        'children, for handlers with isolation="process"',
        "Started when a job needs one, used again, ended after a minute without a job; killed\n"
        "when a job has reached its time limit. See docs/isolation.md.",
    )
    group.add_argument(
        "--children",
        type=int,
        metavar="N",
        help=f"at most N children in each process (default: --concurrency, at most {CHILDREN_PER_PROCESSOR} for each "
        "processor); a job beyond that keeps its slot and waits for one, and its time limit has not begun",
    )
    group.add_argument(
        "--child-grace",
        type=float,
        default=DEFAULT_CHILD_GRACE_S,
        metavar="S",
        help="seconds between SIGTERM, which raises Cancelled in the handler, and SIGKILL (default %(default)s)",
    )
    _add_bounds(group.add_argument, "--child-max-", "child", "some 45 at the start")


def children_of(options: Mapping[str, Any]) -> ChildOptions:
    """Return what the command line says of children. Raises BadOption."""
    bounds = (options["child_max_jobs"], options["child_max_age"], options["child_max_memory"])
    recycling = parse_recycling("--child-max-", *bounds)
    return parse_children(options["children"], options["child_grace"], recycling, options["concurrency"])


def recycling_of(options: Mapping[str, Any]) -> Recycling:
    """Return when worker processes are replaced. Raises BadOption."""
    return parse_recycling("--max-", options["max_jobs"], options["max_age"], options["max_memory"])


def _add_bounds(add: Any, prefix: str, noun: str, why: str) -> None:
    add(f"{prefix}jobs", type=int, metavar="N", help=f"replace a {noun} after N jobs")
    add(f"{prefix}age", type=float, metavar="S", help=f"replace a {noun} that is S seconds old")
    memory = f"replace a {noun} whose resident memory, shared pages included, reaches so many MiB: {why}"
    add(f"{prefix}memory", type=float, metavar="MIB", help=memory)
