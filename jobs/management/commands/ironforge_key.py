"""`manage.py ironforge_key`: makes, lists and revokes the API keys that programs present."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs.access.actor import Actor, system_actor
from jobs.access.scopes import KEY_SCOPES
from jobs.domain.errors import InvalidInput, IronForgeError, NotFound
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.management.teaching_command import TeachingCommand
from jobs.services import database, keys, namespaces

_HELP = """\
API keys: what programs show to IronForge as `Authorization: Bearer ifk_…`.

A key belongs to one namespace and can do what its scopes say, nothing more:
  jobs:write      submit, cancel and retry jobs
  jobs:read       see jobs, queues and workers
  payload:read    see payloads and results as well
  leases          pull jobs and settle them, for workers over HTTP
  queues:operate  pause, resume and purge queues, quiet, resume and stop workers, act on many jobs, discard
  admin           make and revoke keys, members, bind kinds to URLs, set webhooks, read the audit log
  installation    with admin: make, limit and delete namespaces, and act on the keys and members of any
No scope contains another: a key for pushes and webhooks that also submits has admin,jobs:read,jobs:write.

  .venv/bin/python manage.py ironforge_key mint --name ci --scopes jobs:write,jobs:read --expires-days 90
  .venv/bin/python manage.py ironforge_key list
  .venv/bin/python manage.py ironforge_key revoke 4f1c9k2m0q7z --reason "left in a log"
"""

_MINT_HELP = """\
Make a key and print it. It is printed once: only its hash is kept.

  .venv/bin/python manage.py ironforge_key mint --name ci --scopes jobs:write,jobs:read
  .venv/bin/python manage.py ironforge_key mint --name shop --namespace shop --create-namespace --expires-days 90
"""

_DEFAULT_SCOPES = "jobs:write,jobs:read"


class Command(TeachingCommand):
    """Makes, lists and revokes API keys."""

    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the three subcommands."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="mint | list | revoke")
        raw = RawDescriptionHelpFormatter
        mint = acts.add_parser("mint", help="make a key", description=_MINT_HELP, formatter_class=raw)
        mint.add_argument("--name", required=True, help="what the key is for; the audit log shows it")
        mint.add_argument(
            "--scopes",
            default=_DEFAULT_SCOPES,
            help=f"comma separated, of {', '.join(sorted(KEY_SCOPES))} (default: {_DEFAULT_SCOPES})",
        )
        mint.add_argument("--expires-days", type=int, help="days until it ends (default: never)")
        mint.add_argument("--create-namespace", action="store_true", help="make the namespace if it is missing")
        shown = acts.add_parser("list", help="list keys", description="List the keys of a namespace, without secrets.")
        revoke = acts.add_parser(
            "revoke", help="revoke a key", description="Revoke a key for good; servers follow within two seconds."
        )
        revoke.add_argument("prefix", help="the part between the underscores, as `list` shows it")
        revoke.add_argument("--reason", default="", help="why; the audit log keeps it")
        for act in (mint, shown, revoke):
            act.add_argument("--namespace", default=DEFAULT_NAMESPACE, help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the act as the system, in the namespace that was named."""
        actor = system_actor("ironforge_key", str(options["namespace"]))
        try:
            database.require_migrated()
            if options["act"] == "mint":
                self._mint(actor, options)
            elif options["act"] == "list":
                self._list(actor)
            else:
                revoked = keys.revoke(actor, str(options["prefix"]), reason=str(options["reason"]))
                self.stdout.write(f"Revoked {revoked.prefix} ({revoked.name}).")
        except InvalidInput as invalid:
            raise CommandError(" ".join(problem.detail for problem in invalid.problems)) from invalid
        except IronForgeError as refusal:
            raise CommandError(refusal.detail) from refusal

    def _mint(self, actor: Actor, options: dict[str, Any]) -> None:
        if options["create_namespace"]:
            namespaces.ensure_namespace(actor)
        scopes = tuple(part.strip() for part in str(options["scopes"]).split(",") if part.strip())
        request = keys.KeyRequest(name=str(options["name"]), scopes=scopes, expires_days=options["expires_days"])
        try:
            minted = keys.mint(actor, request)
        except NotFound as missing:
            raise CommandError(f"{missing.detail} Add --create-namespace to make it.") from missing
        ends = f"{minted.details.expires_at:%Y-%m-%d}" if minted.details.expires_at else "never"
        # The key alone on standard output, so that a script can take it; what is said about it beside.
        self.stderr.write(
            f"Key {minted.details.prefix} ({minted.details.name}) for namespace {actor.namespace}: "
            f"{', '.join(minted.details.scopes)}; expires: {ends}. It is shown this once:",
            self.style.NOTICE,
        )
        self.stdout.write(minted.text)

    def _list(self, actor: Actor) -> None:
        found = keys.list_keys(actor)
        if not found:
            self.stdout.write(f"No keys in the namespace {actor.namespace}.")
            return
        row = "{:<14}{:<20}{:<9}{:<12}{:<18}{}"
        self.stdout.write(row.format("PREFIX", "NAME", "STATUS", "EXPIRES", "LAST USED", "SCOPES"))
        for key in found:
            expires = f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            self.stdout.write(row.format(key.prefix, key.name, key.status, expires, used, ",".join(key.scopes)))
