"""What an alert watches and how it is now, in the language of the reader; e-mails and the API say it in English."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from jobs.domain.alert import AlertRule, sentence_of

# Marked here, since the domain knows of no translation.
SENTENCES = frozenset(
    {
        gettext_noop("the oldest ready job has waited %(now)s (threshold %(limit)s)"),
        gettext_noop("the oldest ready job of the queue %(queue)s has waited %(now)s (threshold %(limit)s)"),
        gettext_noop("%(now)s %% of attempts failed within %(minutes)s min (threshold %(limit)s %%)"),
        gettext_noop("%(now)s dead letters (threshold %(limit)s)"),
        gettext_noop("%(now)s workers alive (at least %(limit)s wanted)"),
        gettext_noop("%(now)s %% of the store's memory is used (threshold %(limit)s %%)"),
        gettext_noop("not looked at yet (threshold %(limit)s)"),
        gettext_noop("not looked at yet (threshold %(limit)s %%)"),
        gettext_noop("not looked at yet (at least %(limit)s wanted)"),
    }
)


def words_of_alert(rule: AlertRule, value: float | None) -> str:
    """Say a rule and its value; None: it was not looked at yet."""
    sentence, values = sentence_of(rule, value)
    return gettext(sentence) % values
