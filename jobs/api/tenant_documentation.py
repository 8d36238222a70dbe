"""What the documents say about namespaces, their members and keys, and the audit log."""

from __future__ import annotations

from jobs.api.api_key_shapes import ApiKeyListShape, ApiKeyShape
from jobs.api.audit_shapes import AuditListShape
from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.namespace_shapes import (
    CreatedNamespaceShape,
    MemberListShape,
    MemberShape,
    NamespaceListShape,
    NamespaceShape,
    WholeNamespaceShape,
)

_AT = {"Location": "Where to look for it."}
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_RULES = {"quota": {"jobs": 100_000, "submissions_per_s": 200}, "retention": {"ended_age_ms": 3_600_000}, "weight": 3}
_THE_NAMESPACE = Answer(200, "The namespace with its rules and their use.", WholeNamespaceShape)

TENANT_ROUTES: dict[tuple[str, str], Documented] = {
    ("namespaces", "GET"): Documented(
        "listNamespaces",
        "List the namespaces that one reaches",
        (Answer(200, "A page, by name: one's own; with the scope `installation` all.", NamespaceListShape),),
        parameters=(
            Parameter("limit", "Items a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 200}),
            Parameter("cursor", "`page.next` of an earlier answer.", _TEXT),
        ),
    ),
    ("namespaces", "POST"): Documented(
        "createNamespace",
        "Make a namespace",
        (Answer(201, "Made; the text of its first key is shown this once.", CreatedNamespaceShape, headers=_AT),),
        "The caller's key stays bound to its own namespace. With `key` the answer has a first key of the new one.",
        refusals=(*BODY, *REFUSED, 409),
        request="NewNamespace",
        request_example={"name": "shop", **_RULES, "key": {"name": "admin"}},
        is_body_required=True,
    ),
    ("namespace", "GET"): Documented("getNamespace", "Look at a namespace", (_THE_NAMESPACE,), refusals=ON_THING),
    ("namespace", "PATCH"): Documented(
        "updateNamespace",
        "Change what a namespace may have, how long it keeps what has ended, and its weight",
        (_THE_NAMESPACE,),
        "Only the parts that are named change; null takes a limit away. What is stored already stays.",
        refusals=(*BODY, *ON_THING, 409),
        request="NamespaceRules",
        request_example=_RULES,
        is_body_required=True,
    ),
    ("namespace", "DELETE"): Documented(
        "deleteNamespace",
        "Delete a namespace with all it has",
        (Answer(202, "Its keys are revoked; the rest follows. Poll it here.", NamespaceShape, headers=_AT),),
        "Jobs, rules and rows are removed in the background, which survives the end of any process. The audit log "
        "stays. The name is free again 28 hours later. `default` and the caller's own namespace are refused (409).",
        refusals=(*BODY, *ON_THING, 409),
        request="DeleteNamespace",
        request_example={"confirm": "shop", "reason": "The shop has closed."},
        is_body_required=True,
    ),
    ("members", "GET"): Documented(
        "listMembers", "List the people of a namespace", (Answer(200, "All.", MemberListShape),), refusals=ON_THING
    ),
    ("member", "PUT"): Documented(
        "setMember",
        "Give a person a role",
        (Answer(201, "A new member.", MemberShape), Answer(200, "A member.", MemberShape)),
        "With the scope `installation` anybody may be named, and a person that is not there is made; the password is "
        "shown this once. Without it only members are known, and every other name is answered 404.",
        refusals=(*BODY, *ON_THING, 409),
        request="Member",
        request_example={"role": "operator"},
        is_body_required=True,
    ),
    ("member", "DELETE"): Documented(
        "removeMember",
        "End a person's role",
        (Answer(204, "Ended.", None),),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={"reason": "Moved to another team."},
    ),
    ("namespace-export", "GET"): Documented(
        "exportNamespace",
        "Export the jobs of a namespace",
        (Answer(200, "A job a line, newest submission first.", None, media_type="application/x-ndjson"),),
        "Takes `jobs:read` as well, and payloads and results `payload:read`. The last line is "
        '`{"end": {"jobs": …, "next": …}}`: an answer without it was cut off, and a `next` that is not null is the '
        "`before` of the export that goes on.",
        refusals=(*ON_THING, 409),
        parameters=(
            Parameter("before", "Only jobs submitted before this one.", {"type": "string", "format": "uuid"}),
            Parameter(
                "limit", "Jobs at most.", {"type": "integer", "minimum": 1, "maximum": 100_000, "default": 100_000}
            ),
        ),
    ),
    ("api-keys", "GET"): Documented(
        "listApiKeys", "List the keys of one's namespace", (Answer(200, "All, oldest first.", ApiKeyListShape),)
    ),
    ("api-keys", "POST"): Documented(
        "createApiKey",
        "Make a key of one's namespace",
        (Answer(201, "Made; its text is shown this once.", ApiKeyShape),),
        "A key gets no scope that its maker lacks, unless the maker has `installation`.",
        refusals=(*BODY, *REFUSED, 404),
        request="NewApiKey",
        request_example={"name": "ci", "scopes": ["jobs:write", "jobs:read"], "expires_days": 90},
        is_body_required=True,
    ),
    ("api-key", "DELETE"): Documented(
        "revokeApiKey",
        "Revoke a key",
        (Answer(200, "Revoked; every server process follows within two seconds.", ApiKeyShape),),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "Left in a log."},
    ),
    ("audit", "GET"): Documented(
        "listAudit",
        "Read the audit log of one's namespace",
        (Answer(200, "A page of entries, newest first.", AuditListShape),),
        parameters=(
            Parameter("actor", "Only acts of this one, such as `key:ci`.", _TEXT),
            Parameter("action", "Only this act, such as `queue.pause`.", _TEXT),
            Parameter("target_kind", "Only acts on such things, such as `queue`.", _TEXT),
            Parameter("target_id", "Only acts on the thing of this name.", _TEXT),
            Parameter("after", "Only acts then or later.", _TIME),
            Parameter("before", "Only acts before then.", _TIME),
            Parameter("limit", "Entries a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
            Parameter("cursor", "`page.next` or `page.prev` of an earlier answer.", _TEXT),
        ),
    ),
}
