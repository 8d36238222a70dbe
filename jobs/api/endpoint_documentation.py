"""What the documents say about the routes of bound kinds."""

from __future__ import annotations

from jobs.api.delivery_shapes import DeliveryListShape, DeliveryShape
from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.endpoint_shapes import EndpointListShape, EndpointShape, EndpointTestShape, WebhookShape
from jobs.domain.status import Status
from jobs.services.deliveries import MAX_DELIVERIES

_BINDING = {"url": "https://billing.example.com/jobs", "timeout_ms": 10000}
_REASON = {"reason": "The secret was in a log."}

ENDPOINT_ROUTES: dict[tuple[str, str], Documented] = {
    ("endpoints", "GET"): Documented(
        "listEndpoints", "List the kinds that are bound to URLs", (Answer(200, "All, by kind.", EndpointListShape),)
    ),
    ("endpoint", "GET"): Documented(
        "getEndpoint",
        "Look where the jobs of a kind are sent",
        (Answer(200, "The binding.", EndpointShape),),
        refusals=ON_THING,
    ),
    ("endpoint", "PUT"): Documented(
        "bindEndpoint",
        "Send the jobs of a kind to a URL",
        (
            Answer(201, "Bound. `secret` is shown this once.", EndpointShape),
            Answer(200, "The binding was there and has changed; its secret has not.", EndpointShape),
        ),
        "Workers without a handler for the kind deliver its jobs by signed POST. The URL must lead to the public "
        "Internet or to what IRONFORGE_PUSH_ALLOW opens: else `invalid_url` or `blocked_address`.",
        refusals=(*BODY, *ON_THING, 409),
        request="Endpoint",
        request_example=_BINDING,
        is_body_required=True,
    ),
    ("endpoint", "DELETE"): Documented(
        "unbindEndpoint",
        "Send the jobs of a kind nowhere any more",
        (Answer(204, "It is bound no more.", None),),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The service has moved to workers."},
    ),
    ("endpoint-test", "POST"): Documented(
        "testEndpoint",
        "Send a signed test and see what comes back",
        (Answer(200, "What came back, or why nothing did.", EndpointTestShape),),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={},
    ),
    ("endpoint-rotate", "POST"): Documented(
        "rotateEndpointSecret",
        "Make a new secret",
        (Answer(200, "`secret` is shown this once; the one before is signed with for a day.", EndpointShape),),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example=_REASON,
    ),
    ("webhook", "GET"): Documented(
        "getWebhook",
        "Look who hears of the ends of jobs",
        (Answer(200, "The namespace's webhook.", WebhookShape),),
        refusals=ON_THING,
    ),
    ("webhook", "PUT"): Documented(
        "setWebhook",
        "Have a URL told of the ends of jobs",
        (
            Answer(201, "Set. `secret` is shown this once.", WebhookShape),
            Answer(200, "The webhook was there and has changed; its secret has not.", WebhookShape),
        ),
        "Without `url` it is but the secret that signs what jobs' own webhooks get (the field `webhook` of a job).",
        refusals=(*BODY, *REFUSED, 409),
        request="Webhook",
        request_example={"url": "https://app.example.com/ironforge", "statuses": ["completed", "dead_letter"]},
        is_body_required=True,
    ),
    ("webhook", "DELETE"): Documented(
        "removeWebhook",
        "Tell nobody of the ends of jobs any more",
        (Answer(204, "It is gone.", None),),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The service is gone."},
    ),
    ("webhook-rotate", "POST"): Documented(
        "rotateWebhookSecret",
        "Make a new secret for webhooks",
        (Answer(200, "`secret` is shown this once; the one before is signed with for a day.", WebhookShape),),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example=_REASON,
    ),
    ("deliveries", "GET"): Documented(
        "listDeliveries",
        "Read the log of deliveries",
        (Answer(200, "Deliveries with their attempts, newest first.", DeliveryListShape),),
        "A delivery is a job of the queue `ironforge.webhooks`.",
        refusals=ON_THING,
        parameters=(
            Parameter("job_id", "Only those about this job, which must be there.", {"type": "string"}),
            Parameter("status", "Only those in this status.", {"type": "string", "enum": [str(s) for s in Status]}),
            Parameter(
                "limit",
                "Deliveries a page.",
                {"type": "integer", "minimum": 1, "maximum": MAX_DELIVERIES, "default": MAX_DELIVERIES},
            ),
            Parameter("cursor", "`page.next` or `page.prev` of an earlier answer.", {"type": "string"}),
        ),
    ),
    ("delivery-resend", "POST"): Documented(
        "resendDelivery",
        "Tell the end of a job once more",
        (Answer(202, "The delivery that is under way now.", DeliveryShape),),
        "A dead letter is made anew, one that waits for its next attempt at once; one that is completed or cancelled "
        "gets a successor. Receivers know a repeat by its `webhook-id`, which stays. 409 `delivery_under_way`: it or "
        "its successor is queued or running.",
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={"reason": "The receiver had lost it."},
    ),
}
