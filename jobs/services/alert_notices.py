"""Messages about alerts: written down with the change that they tell, sent until they arrive or a day has passed.

They are sent by the servers, not by workers: an alert may be that there are no workers, or that the store is full.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import msgspec
from django.core.mail import EmailMessage
from django.db.models import Min
from django.utils import timezone

from jobs.access.alert import Alert, AlertNotice
from jobs.conf import conf
from jobs.domain.alert import AlertRule, in_words
from jobs.domain.errors import TooManyAttempts
from jobs.domain.instant import text_of
from jobs.domain.signature import signed_headers
from jobs.outbound.posting import Answer, post
from jobs.services.endpoints import rules
from jobs.services.turns import Turns, whose_turn
from jobs.telemetry.logs import get_logger, log_event

_LIMIT_S = 10.0
# One process sends a message; if it dies, another one tries again after that. A mail server may use its ten seconds for
# each of a dozen answers.
_CLAIM = timedelta(minutes=2)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10, 3_600
_GIVEN_UP = timedelta(days=1)
_KEPT = timedelta(days=30)
# Namespaces among which one call chooses.
_MAX_DUE = 200
# Messages of tests a namespace may begin another test with; as many again go out within a minute at most.
_MAX_TESTS, _TESTS_S = 20, 60
_SUCCESS = range(200, 300)
_WORDS = {"firing": "firing", "resolved": "over", "test": "a test"}
_log = get_logger("server")


def put_notices(row: Alert, rule: AlertRule, event: str) -> None:
    """Write down what each receiver of a rule is to be told."""
    now = timezone.now()
    about = {
        "type": f"alert.{event}",
        "timestamp": text_of(now),
        "data": {
            "namespace": row.namespace,
            "alert": rule.name,
            "metric": rule.metric.value,
            "queue": rule.queue,
            "value": row.value,
            "threshold": rule.threshold,
            "text": in_words(rule, row.value),
        },
    }
    body = msgspec.json.encode(about).decode()
    receivers = [("email", email) for email in rule.emails] + ([("webhook", rule.webhook)] if rule.webhook else [])
    AlertNotice.objects.bulk_create(
        AlertNotice(
            alert=row,
            namespace=row.namespace,
            event=event,
            channel=channel,
            target=target,
            body=body,
            message_id=str(uuid.uuid4()),
            created_at=now,
            next_at=now,
        )
        for channel, target in receivers
    )


def drop_notices(row: Alert, rule: AlertRule) -> None:
    """Give up what is on its way to receivers that a rule tells no more."""
    unsent = AlertNotice.objects.filter(alert=row).exclude(next_at=None)
    unsent.exclude(target__in=[*rule.emails, rule.webhook or ""]).update(next_at=None, detail="told no more")


def require_test(namespace: str) -> None:
    """Pass if a test may be sent: nobody is to flood a stranger's inbox. Raises TooManyAttempts `too_many_tests`."""
    since = timezone.now() - timedelta(seconds=_TESTS_S)
    lately = AlertNotice.objects.filter(alert__namespace=namespace, event="test", created_at__gt=since)
    if lately.count() >= _MAX_TESTS:
        detail = f"{_MAX_TESTS} messages of tests were sent within {_TESTS_S} s. Wait a little."
        raise TooManyAttempts(detail, code="too_many_tests", retry_after_s=_TESTS_S)


def send_next(turns: Turns | None = None) -> bool:
    """Send a message if one is due; True if so. Safe in any number of processes.

    Namespaces take turns, for a receiver that is silent costs ten seconds: `turns` remembers between calls who had the
    last ones. Within a namespace the message that has waited longest goes first.
    """
    now = timezone.now()
    due = AlertNotice.objects.filter(next_at__lte=now)
    waits = due.order_by().values("namespace").annotate(first=Min("next_at")).order_by("first")[:_MAX_DUE]
    names = [wait["namespace"] for wait in waits]
    if not names:
        return False
    name = whose_turn(names, {} if turns is None else turns)
    row = due.filter(namespace=name).select_related("alert").order_by("next_at").first()
    if row is None or not AlertNotice.objects.filter(pk=row.pk, next_at=row.next_at).update(next_at=now + _CLAIM):
        return False
    detail = _mail(row) if row.channel == "email" else _call(row)
    row.attempts += 1
    done = detail is None
    pause_s = min(_FIRST_PAUSE_S * 2 ** (row.attempts - 1), _LONGEST_PAUSE_S)
    is_over = done or timezone.now() + timedelta(seconds=pause_s) > row.created_at + _GIVEN_UP
    AlertNotice.objects.filter(pk=row.pk).update(
        attempts=row.attempts,
        sent_at=timezone.now() if done else None,
        next_at=None if is_over else timezone.now() + timedelta(seconds=pause_s),
        detail=(detail or "")[:300],
    )
    if not done:
        log_event(_log, "alert.unsent", alert=row.alert.name, namespace=row.namespace, channel=row.channel, why=detail)
    return True


def forget_old() -> int:
    """Remove messages of a month ago; return how many."""
    return AlertNotice.objects.filter(next_at=None, created_at__lte=timezone.now() - _KEPT).delete()[0]


def _call(row: AlertNotice) -> str | None:
    """Return why the webhook did not take it, None if it did."""
    body = row.body.encode()
    now_s = timezone.now().timestamp()
    headers = signed_headers(row.alert.valid_secrets(now_s), row.message_id, int(now_s), body)
    came = post(row.target, body, headers, _LIMIT_S, rules())
    if isinstance(came, Answer):
        return None if came.status in _SUCCESS else f"http_{came.status}"
    return f"{came.code}: {came.detail}"


def _mail(row: AlertNotice) -> str | None:
    """Return why the mail server did not take it, None if it did."""
    told = msgspec.json.decode(row.body)
    about = told["data"]
    where = f"{about['namespace']}/{about['alert']}"
    text = f"{about['text'].capitalize()}.\n\nAlert {where}, {told['timestamp']}.\n"
    message = EmailMessage(
        f"[IronForge] {where} is {_WORDS[row.event]}", text, conf().mail_from, [row.target],
        headers={"Message-ID": f"<{row.message_id}@ironforge>"},
    )  # fmt: skip
    try:
        message.send()
    except Exception as failure:  # noqa: BLE001 (an address that Django cannot write is no error of the server's either)
        return f"{type(failure).__name__}: {failure}"
    return None
