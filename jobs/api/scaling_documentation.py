"""What the documents say about the route of autoscalers."""

from __future__ import annotations

from jobs.api.documented import Answer, Documented, Parameter
from jobs.api.scaling_shapes import ScalingShape
from jobs.services.scaling import MAX_TARGET_S, TARGET_S

SCALING_ROUTES: dict[tuple[str, str], Documented] = {
    ("queue-scaling", "GET"): Documented(
        "getScaling",
        "Ask how many jobs should run at a time",
        (Answer(200, "Each queue with its load, who serves it, and what would catch up.", ScalingShape),),
        "For autoscalers. `suggested_slots` begins all that is ready within `target_s`; where nothing went out in the "
        "last minute it is at most twice the slots that there are. It is never less than what runs.",
        parameters=(
            Parameter("queue", "Only this queue, with zeros where no job ever named it.", {"type": "string"}),
            Parameter(
                "target_s",
                "Within how many seconds a ready job is to begin.",
                {"type": "integer", "minimum": 1, "maximum": MAX_TARGET_S, "default": TARGET_S},
            ),
        ),
    ),
}
