"""`email.send`: writes a message through Django's mail backend, which in the demo is a file in the data directory."""

from __future__ import annotations

from django.core.mail import EmailMessage

from workers.context import Context
from workers.registry import handler
from workers.verdict import Discard


@handler("email.send", timeout_ms=30_000)
def send(context: Context, payload: object) -> dict[str, str]:
    """Send `{to, template, subject?, body?}`; a payload without a usable `to` can never succeed."""
    fields = payload if isinstance(payload, dict) else {}
    to = fields.get("to")
    if not isinstance(to, str) or "@" not in to:
        raise Discard('email.send needs an address: {"to": "user@example.com", "template": "welcome"}')
    template = _text(fields, "template", "message")
    subject = _text(fields, "subject", template.replace("_", " ").capitalize())
    body = _text(fields, "body", f"This is the message {template!r}, sent by IronForge.\n")
    EmailMessage(subject=subject, body=body, to=[to], headers={"X-IronForge-Job": context.job_id}).send()
    return {"to": to, "subject": subject}


def _text(fields: dict[str, object], name: str, default: str) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise Discard(f"email.send: {name} must be a string")
    return value
