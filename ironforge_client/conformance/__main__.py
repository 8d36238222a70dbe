"""`python -m ironforge_client.conformance -- ./my-worker --its --arguments`"""

from __future__ import annotations

import argparse
import shutil
import sys

from ironforge_client import environment
from ironforge_client.client import Client
from ironforge_client.conformance.suite import Verdict, chosen, play_all
from ironforge_client.connection import Place
from ironforge_client.errors import IronForgeError

_HELP = """
Drives a worker program through what can go wrong, against a running server, and says what it got wrong.

The program is started with these variables:
  IRONFORGE_URL          where to ask (a gate of the kit before the server)
  IRONFORGE_API_KEY      the key, if there is one
  IRONFORGE_QUEUES       the queues to serve, commas between them
  IRONFORGE_CONCURRENCY  how many jobs it may run at a time; fewer will do
  IRONFORGE_LEASE_MS     how long a lease to ask for, in claims and heartbeats
  IRONFORGE_GRACE_S      how long running jobs may take after SIGTERM before they are released

It must know these kinds (payload; what it does; result):
  conformance.echo      anything                complete; the payload
  conformance.fail      {times, message}        fail attempts 1 … times with the message, then complete; {attempt}
  conformance.retry     {delay_ms}              attempt 1: fail with that delay_ms; then complete; {attempt}
  conformance.snooze    {delay_ms}              attempt 1: snooze for delay_ms; then complete; {attempt}
  conformance.discard   null                    discard
  conformance.sleep     {ms}                    take ms milliseconds, stop early when asked to; {slept_ms}
  conformance.crash     {times}                 attempts 1 … times: exit at once, not with 0; then complete; {attempt}
  conformance.progress  {steps, fail_after}     for each step: log "step n", progress n/steps with text "step n",
                                                checkpoint {done: n}; fail attempt 1 after step fail_after, go on
                                                after the checkpoint in attempt 2; {first: first step of this attempt}

docs/languages.md says more, docs/protocol.md has the protocol, examples/workers/ has programs that pass.
Exit code: 0 all passed, 1 something failed, 2 the kit could not run.
"""


def main() -> int:
    """Run the kit."""
    parser = argparse.ArgumentParser(
        prog="python -m ironforge_client.conformance",
        usage="%(prog)s [options] -- program [argument …]",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    place = environment.place()
    parser.add_argument("--url", default=place.base_url, help="the server (default: IRONFORGE_URL, or %(default)s)")
    parser.add_argument("--api-key", default=place.api_key, help="its key (default: IRONFORGE_API_KEY)")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="cases whose name holds this")
    parser.add_argument("--at-once", type=int, default=8, help="how many programs run at a time (default: 8)")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("program", nargs="*", help="the worker and its arguments, after --")
    given = parser.parse_args()
    cases = chosen(given.only)
    if given.list:
        for case in cases:
            print(f"{case.name:32} {case.meaning}")
        return 0
    if not given.program or not cases:
        parser.error("name the program after `--`" if cases else "no case has such a name")
    if shutil.which(given.program[0]) is None:
        print(f"{given.program[0]} cannot be run: there is no such program", file=sys.stderr)
        return 2
    try:
        with Client(given.url, given.api_key, timeout_s=5) as client:
            client.workers()
    except (IronForgeError, ValueError) as error:
        print(f"{given.url} cannot be used: {error}", file=sys.stderr)
        return 2
    verdicts = play_all(Place(given.url, given.api_key), given.program, cases, max(1, given.at_once), show)
    return conclude(verdicts)


def show(verdict: Verdict) -> None:
    """Print a line of the table."""
    mark = "pass" if verdict.is_passed else "FAIL"
    print(f"{mark}  {verdict.case.name:32} {verdict.took_s:5.1f} s  {verdict.reason}", flush=True)


def conclude(verdicts: list[Verdict]) -> int:
    """Print what failed programs wrote and the sum; return the exit code."""
    failed = [verdict for verdict in verdicts if not verdict.is_passed]
    for output in dict.fromkeys(verdict.output for verdict in failed):
        names = ", ".join(verdict.case.name for verdict in failed if verdict.output == output)
        print(f"\nLast output of the program in: {names}\n{output}")
    print(f"\n{len(verdicts) - len(failed)} of {len(verdicts)} cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
