"""`manage.py ironforge_audit`: verifies that no entry of the audit log was changed, removed or put in."""

from __future__ import annotations

import re
import sys
from argparse import RawDescriptionHelpFormatter
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs.access.actor import system_actor
from jobs.access.audit_chain import Fault, FaultKind
from jobs.domain.errors import IronForgeError
from jobs.management.teaching_command import TeachingCommand
from jobs.services import audit_verification, database
from jobs.services.audit_verification import Verified

_HELP = """\
The audit log: each entry carries a SHA-256 of itself and of the entry before it, a chain for each namespace.

  .venv/bin/python manage.py ironforge_audit verify
"""

_VERIFY_HELP = """\
Walk the chains and print the end of each: namespace, position and hash of the last entry. Exits with 1 where a chain
is broken. Whoever writes to the database may write a whole chain anew: keep the output where he cannot, and give it
back, or several of them in one file, with --expect.

  .venv/bin/python manage.py ironforge_audit verify > /elsewhere/audit-monday
  .venv/bin/python manage.py ironforge_audit verify --expect /elsewhere/audit-monday
"""

_KEPT = re.compile(r"(?P<namespace>\S{1,63}) (?P<position>[1-9][0-9]{0,17}) (?P<hash>[0-9a-f]{64})")

_WORDS = {
    FaultKind.CHANGED: "entry {0} was changed: its content is not what its hash was made of",
    FaultKind.MISSING: "entry {0} is missing",
    FaultKind.REPLACED: "the chain was written anew at entry {0} or before",
    FaultKind.CUT: "entry {0} and those behind it are gone: the log was longer",
}


class Command(TeachingCommand):
    """Verifies the audit log."""

    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the one subcommand."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="verify")
        verify = acts.add_parser(
            "verify", help="walk the chains", description=_VERIFY_HELP, formatter_class=RawDescriptionHelpFormatter
        )
        verify.add_argument("--namespace", help="one alone (default: all that have entries, deleted ones too)")
        verify.add_argument("--expect", type=Path, metavar="FILE", help="what an earlier run printed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify each namespace, and say which chains hold."""
        kept = _read_kept(options["expect"])
        try:
            database.require_migrated()
            names = (
                [options["namespace"]] if options["namespace"] else audit_verification.namespaces_with_entries(*kept)
            )
            found = [self._verify(name, kept[name]) for name in names]
        except IronForgeError as refusal:
            raise CommandError(refusal.detail) from refusal
        broken = [_told(each.namespace, each.fault) for each in found if each.fault]
        if broken:
            raise CommandError("The audit log is not as it was written.\n" + "\n".join(broken))
        self.stderr.write(f"Whole: {sum(each.head.position for each in found)} entries.", self.style.NOTICE)

    def _verify(self, name: str, kept: dict[int, str]) -> Verified:
        found = audit_verification.verify(system_actor("ironforge_audit", name), kept, self._tell)
        if found.fault is None and found.head.position:
            self.stdout.write(f"{name} {found.head.position} {found.head.hash}")
        return found

    def _tell(self, seen: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r  {seen} of {total} entries ", ending="" if seen < total else "\r\033[K")


def _told(namespace: str, fault: Fault) -> str:
    return f"  {namespace}: {_WORDS[fault.kind].format(fault.position)}."


def _read_kept(path: Path | None) -> defaultdict[str, dict[int, str]]:
    """Return the hashes of a file by namespace and position. Raises CommandError for a file that is none of ours."""
    kept: defaultdict[str, dict[int, str]] = defaultdict(dict)
    try:
        lines = path.read_text("utf-8").splitlines() if path else []
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--expect: {error}") from error
    for number, line in enumerate(lines, 1):
        match = _KEPT.fullmatch(line.strip())
        if match is None:
            raise CommandError(f"--expect: line {number} of {path} is not what `verify` prints.")
        kept[match["namespace"]][int(match["position"])] = match["hash"]
    return kept
