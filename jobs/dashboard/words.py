"""Words that the console's scripts say, in the language of the reader: the page hands them over as JSON."""

from __future__ import annotations

from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def words_of_scripts() -> SafeString:
    """Return the element that holds the words; `static/js/words.js` reads it."""
    return json_script(words(), "words")


def words() -> dict[str, str]:
    """Return the words by the names that the scripts call them; `{}` is where a value goes."""
    return {
        "live": _("Live"),
        "paused": _("Paused"),
        "offline": _("Offline"),
        "store_down": _("Store down"),
        "stale": _("Stale {} s"),
        "polling": _("Polling"),
        "pause": _("Pause live updates"),
        "resume": _("Resume live updates"),
        "refused": _("The server refused this ({}). Load the page again."),
        "unanswered": _(
            "The server did not answer. Nothing is known about what you asked for: look before you repeat it."
        ),
        "dismiss": _("Dismiss"),
        "copied": _("Copied"),
        "no_json": _("This is not JSON: {}"),
        "held": _("Held: follow again"),
        "following": _("Following"),
        "auto": _("Auto"),
        "light": _("Light"),
        "dark": _("Dark"),
        "local": _("Local"),
        "now": _("now"),
        "in": _("in %s").replace("%s", "{}"),
        "ago": _("%s ago").replace("%s", "{}"),
        "deployed": _("deployed"),
    }
