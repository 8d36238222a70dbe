"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.catalogue import BY_NAME, MEASURES
from benchmarks.competitor import PEERS

_HELP = """\
Measure IronForge beside the libraries that a user would pick instead, all on this machine.

  make bench                                          the short form, about ten minutes
  make bench ARGS="--full"                            the full form, about an hour and a half
  make bench ARGS="--only drain,pickup --peers celery,rq --rounds 3"
  make bench ARGS="--only submit --peers none"        IronForge and the bare endpoint alone
  make bench ARGS="--list"                            the measures and the peers
  make bench ARGS="--publish benchmarks/results/<run>.json"   make docs/performance.md of a run

Stores, servers and workers are started for the run, on loopback and in a temporary folder, and ended by it. Peers are
installed once, each into an environment of its own in benchmarks/.peers (PyPI, npm; on Debian as root also
redis-server, ruby-sidekiq and wrk with apt-get). What cannot be installed is skipped, and the table says why.
Nothing else should run meanwhile: load and other busy programs are written down beside the figures.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `peers` None: all; `rounds` None: what the form says."""

    full: bool
    only: tuple[str, ...]
    peers: frozenset[str] | None
    rounds: int | None
    peer_store: str
    is_list: bool
    out: Path | None
    publish: tuple[Path, ...] | None
    tiny: bool


def parse(words: Sequence[str]) -> Options:
    """Read the command line; ends the program with a hint for what cannot be read."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="the full form: more, longer and larger")
    parser.add_argument("--only", metavar="A,B", default="", help="these measures only; see --list")
    parser.add_argument("--peers", metavar="A,B", help="these peers only, or `none`; see --list")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each measure (short: 2, full: 3)")
    parser.add_argument(
        "--peer-store", choices=("redis", "valkey"), default="redis",
        help="server that peers run on: the system's Redis, or the Valkey that IronForge brings",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write the JSON (benchmarks/results/<time>.json)"
    )
    parser.add_argument("--list", action="store_true", help="list measures and peers, and end")
    parser.add_argument(
        "--publish", type=Path, nargs="*", metavar="FILE",
        help="measure nothing: write docs/performance.md and its charts from these runs, later ones over earlier; "
        "without a file from those that were published last",
    )  # fmt: skip
    parser.add_argument("--tiny", action="store_true", help="seconds a measure, to see whether all works; no figures")
    given = parser.parse_args(words)
    only = _names(parser, given.only, set(BY_NAME), "measure")
    peers = None
    if given.peers is not None:
        peers = frozenset(_names(parser, given.peers.replace("none", ""), {peer.name for peer in PEERS}, "peer"))
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds must be at least 1")
    publish = None if given.publish is None else tuple(given.publish)
    return Options(given.full, only, peers, given.rounds, given.peer_store, given.list, given.out, publish, given.tiny)


def listing() -> str:
    """Return the measures and peers for people."""
    lines = ["Measures:"]
    for measure in MEASURES:
        lines.append(
            f"  {measure.name:10}{measure.title}{'' if measure.is_short else '  (only with --full or --only)'}"
        )
    lines += ["", "Peers:"]
    for peer in PEERS:
        face = f"; over HTTP: {peer.web_label}" if peer.web else ""
        lines.append(f"  {peer.name:10}{peer.label}; on two cores: {peer.best_text}{face}")
    return "\n".join(lines)


def _names(parser: argparse.ArgumentParser, text: str, known: set[str], what: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no {what} is called {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return names
