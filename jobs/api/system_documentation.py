"""What the documents say about the route of the installation."""

from __future__ import annotations

from jobs.api.documented import Answer, Documented
from jobs.api.system_shapes import SystemShape

SYSTEM_ROUTES: dict[tuple[str, str], Documented] = {
    ("system", "GET"): Documented(
        "getSystem",
        "Look at the installation: store, checks, settings and versions",
        (Answer(200, "All of it. Values of secrets are left out.", SystemShape),),
        "The store is looked at as by a start, each script is loaded; without the store the rest is answered.",
    ),
}
