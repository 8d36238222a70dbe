"""The command line of the torture."""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

from tests.torture.run import LEASE_MS, Options
from tests.torture.sabotage import SABOTAGES
from tests.torture.trouble import KINDS

SHORT_S, LONG_S = 60.0, 180.0
SABOTAGE_S = 12.0

_HELP = """\
Torture a whole installation: a real store, server and workers behind byte proxies, with everything broken that can
break. Then everything is healed, the queues run dry, and what clients and handlers wrote down outside the store is
compared with what the store holds. Exit code 0: every invariant holds. 1: one does not, and the report names it with
the history of the job. 2: the run itself failed.

  make torture                                  60 s with a new seed
  make torture ARGS="--long"                    3 minutes
  make torture ARGS="--seconds 1800"            half an hour
  make torture ARGS="--replay 7"                the plan of seed 7 again, told fault by fault
  make torture ARGS="--sabotage token"          with one safety off: the run must turn red
"""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for. `keep`: where ledgers stay; None: nowhere."""

    run: Options
    is_told: bool
    keep: Path | None


def parse(words: list[str]) -> Asked:
    """Return what is asked for; ends the process on --help and on mistakes."""
    given = _parser().parse_args(words)
    seed = given.replay if given.replay is not None else given.seed
    if seed is None:
        seed = random.SystemRandom().randrange(1_000_000)
    seconds = given.seconds or (LONG_S if given.long else SABOTAGE_S if given.sabotage else SHORT_S)
    options = Options(seed, seconds, given.sabotage, given.lease_ms)
    return Asked(options, given.replay is not None or given.verbose, given.keep)


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("tests.torture", description=_HELP, epilog=_lists(), formatter_class=form)
    parser.add_argument(
        "--seed", type=int, help="what the whole plan is made of (default: a new one, which is printed)"
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="the plan of that seed again, told fault by fault")
    parser.add_argument(
        "--seconds", type=float, help=f"how long to break things (default {SHORT_S:.0f}); the drain comes on top"
    )
    parser.add_argument("--long", action="store_true", help=f"{LONG_S:.0f} s")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="switch one safety off; see below")
    parser.add_argument("--lease-ms", type=int, default=LEASE_MS, help="length of leases (default %(default)s)")
    parser.add_argument("--keep", type=Path, help="an empty folder for ledgers and the store, kept afterwards")
    parser.add_argument("--verbose", action="store_true", help="tell each fault")
    return parser


def _lists() -> str:
    faults = "\n".join(f"  {kind.name:<15} {kind.meaning}" for kind in KINDS.values())
    safeties = "\n".join(f"  {each.name:<15} {each.meaning}" for each in SABOTAGES.values())
    return f"faults:\n{faults}\n\nsabotages:\n{safeties}\n"
