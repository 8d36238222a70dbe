"""What the documents say about the routes of schedules."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.schedule_shapes import FireListShape, PreviewShape, ScheduleListShape, ScheduleShape
from jobs.api.submission_headers import submission_headers
from jobs.domain.job_document import SubmittedShape

_DAILY = {
    "name": "report.daily",
    "cron": "0 9 * * 1-5",
    "timezone": "Europe/Paris",
    "catch_up": "latest",
    "overlap": "skip",
    "kind": "report.build",
    "payload": {"of": "yesterday"},
}
_CHANGED = {key: value for key, value in _DAILY.items() if key != "name"}
_WRONG = "Text that is no cron expression, or never fires, is 422 with the `position` of the mistake in it."
_BY_ID = "`name` is the schedule's name or its id."

SCHEDULE_ROUTES: dict[tuple[str, str], Documented] = {
    ("schedules", "GET"): Documented(
        "listSchedules", "List the schedules", (Answer(200, "All, by name.", ScheduleListShape),)
    ),
    ("schedules", "POST"): Documented(
        "createSchedule",
        "Make a schedule",
        (Answer(201, "Made; its first instant is the next after now.", ScheduleShape),),
        f"One of `cron`, `every_ms` and `at`; beside them the fields of its jobs, as in `POST /jobs`. {_WRONG}",
        refusals=(*BODY, *REFUSED, 409),
        request="Schedule",
        request_example=_DAILY,
        is_body_required=True,
    ),
    ("schedule-trial", "POST"): Documented(
        "tryTiming",
        "Look when an expression that is not saved would fire",
        (Answer(200, "The next instants, and what is odd about them.", PreviewShape),),
        _WRONG,
        refusals=(*BODY, *REFUSED),
        request="Timing",
        request_example={"cron": "30 2 * * *", "timezone": "Europe/Paris", "count": 5},
        is_body_required=True,
    ),
    ("schedule", "GET"): Documented(
        "getSchedule", "Look at a schedule", (Answer(200, "It.", ScheduleShape),), _BY_ID, refusals=ON_THING
    ),
    ("schedule", "PUT"): Documented(
        "putSchedule",
        "Let a schedule be so, and make it where there is none",
        (Answer(200, "It is so now.", ScheduleShape), Answer(201, "It is new.", ScheduleShape)),
        f"{_BY_ID} Where the timing changes, instants that nobody was there for are left out. {_WRONG}",
        refusals=(*BODY, *ON_THING, 409),
        request="Schedule",
        request_example=_CHANGED,
        is_body_required=True,
    ),
    ("schedule", "PATCH"): Documented(
        "changeSchedule",
        "Change some fields of a schedule",
        (Answer(200, "It is so now.", ScheduleShape),),
        f"{_BY_ID} null takes a field back to its default.",
        refusals=(*BODY, *ON_THING, 409),
        request="ScheduleChange",
        request_example={"cron": "0 8 * * 1-5", "reason": "earlier, before the meeting"},
    ),
    ("schedule", "DELETE"): Documented(
        "deleteSchedule",
        "Remove a schedule",
        (Answer(204, "It fires no more; jobs that it made stay.", None),),
        _BY_ID,
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={"reason": "nobody reads it"},
    ),
    ("schedule-pause", "POST"): Documented(
        "pauseSchedule",
        "Pause a schedule",
        (Answer(200, "Nothing fires until it is resumed.", ScheduleShape),),
        _BY_ID,
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "the source is down"},
    ),
    ("schedule-resume", "POST"): Documented(
        "resumeSchedule",
        "Resume a schedule",
        (Answer(200, "It fires from now on.", ScheduleShape),),
        f"{_BY_ID} What it would have done meanwhile is left out, whatever its catch-up is.",
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={},
    ),
    ("schedule-run", "POST"): Documented(
        "runSchedule",
        "Make one job of a schedule now",
        (Answer(202, "The job.", SubmittedShape, headers={"Location": "The job's address."}),),
        f"{_BY_ID} Its instants and its overlap policy are not asked.",
        refusals=(*BODY, *ON_THING),
        parameters=submission_headers("job"),
        request="Reason",
        request_example={},
    ),
    ("schedule-preview", "GET"): Documented(
        "previewSchedule",
        "Look when a schedule will fire",
        (Answer(200, "The next instants, and what is odd about them.", PreviewShape),),
        _BY_ID,
        refusals=ON_THING,
        parameters=(Parameter("count", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}),),
    ),
    ("schedule-history", "GET"): Documented(
        "scheduleHistory",
        "Look what became of the last instants of a schedule",
        (Answer(200, "The newest first; the last 100 are kept.", FireListShape),),
        _BY_ID,
        refusals=ON_THING,
        parameters=(
            Parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}),
        ),
    ),
}
