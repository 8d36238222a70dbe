"""What the documents say about error groups."""

from __future__ import annotations

from jobs.api.documented import ON_THING, Answer, Documented, Parameter
from jobs.api.error_group_shapes import ErrorGroupDetailsShape, ErrorGroupListShape
from jobs.services.error_groups import MAX_PAGE

ERROR_GROUP_ROUTES: dict[tuple[str, str], Documented] = {
    ("error-groups", "GET"): Documented(
        "listErrorGroups",
        "List error groups",
        (Answer(200, "The groups, the one that was seen last first.", ErrorGroupListShape),),
        "Attempts that failed alike: of one kind, with one type of error, raised in one place or, where no traceback "
        "tells the place, with one message but for its numbers. A group stays when its jobs complete later; 500 of a "
        "namespace are kept, for 90 days after they were seen last. Workers tell of failures every few seconds.",
        parameters=(
            Parameter("limit", "Groups a page.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}),
            Parameter("cursor", "`page.next` of an earlier answer.", {"type": "string"}),
        ),
    ),
    ("error-group", "GET"): Documented(
        "getErrorGroup",
        "Look at an error group",
        (Answer(200, "The group, and its newest jobs that are kept.", ErrorGroupDetailsShape),),
        refusals=ON_THING,
    ),
}
