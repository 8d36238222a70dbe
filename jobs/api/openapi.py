"""The OpenAPI document: addresses from the URLs, shapes from the structs, words from `jobs.api.documentation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from jobs import __version__
from jobs.access.scopes import SCOPE_OF, Action
from jobs.api.documentation import DESCRIPTION, DOCUMENTED
from jobs.api.documented import JSON, Answer, Documented, Parameter
from jobs.api.protocol_schemas import PROTOCOL_SCHEMAS
from jobs.api.request_schemas import REQUEST_SCHEMAS
from jobs.api.schedule_schemas import SCHEDULE_SCHEMAS
from jobs.api.workflow_schemas import WORKFLOW_SCHEMAS
from jobs.conf import conf
from jobs.domain.naming import KIND, NAMESPACE, WORKER_ID
from jobs.domain.problem import CONTENT_TYPE, ProblemDocument

_REF = "#/components/schemas/{name}"
_PROBLEM = {"$ref": _REF.format(name="ProblemDocument")}
_ID = {"type": "string", "format": "uuid"}
_REFUSALS = {
    "400": "Malformed: the body is no JSON that IronForge reads.",
    "401": "No valid credential.",
    "403": "The credential lacks the scope.",
    "404": "Nothing of that name, or it belongs to another namespace.",
    "409": "The present state forbids it; `current_status` is that state.",
    "413": "The body is too large.",
    "415": "Not application/json, or compressed.",
    "422": "Not valid: `errors` names every problem.",
    "429": "More at a time, or in all, than a namespace may have. Try again after `Retry-After`.",
    "501": "The server runs without its data plane, which alone serves workers.",
    "503": "The store cannot answer now. Try again after `Retry-After`; an `Idempotency-Key` keeps a job single.",
}


class RoutedView(Protocol):
    """What is asked of a view."""

    route_name: str
    is_public: bool
    actions: Mapping[str, Action]


class DocumentedSchema(AutoSchema):  # type: ignore[misc, no-any-unimported, unused-ignore]
    """Describes a view's method by its entry in the documentation. An undocumented method is an error."""

    view: RoutedView  # type: ignore[assignment] # narrower: only our own views are described

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any]:
        """Return the operation."""
        name = self.view.route_name
        documented = DOCUMENTED[name, method]
        operation: dict[str, Any] = {
            "operationId": documented.operation,
            "summary": documented.summary,
            "description": documented.description + self._scope_line(method),
            "tags": [path.strip("/").partition("/")[0].partition(".")[0]],
            "parameters": [*_path_parameters(path), *map(_parameter, documented.parameters)],
            "responses": _responses(documented),
        }
        if self.view.is_public:
            operation["security"] = [] if name != "metrics" else [{}, {"key": []}]
        if documented.request is not None:
            schema = {"$ref": _REF.format(name=documented.request)}
            content = {"schema": schema, "examples": {"example": {"value": documented.request_example}}}
            operation["requestBody"] = {
                "required": documented.is_body_required,
                "content": {"application/json": content},
            }
        return operation

    def _scope_line(self, method: str) -> str:
        action = self.view.actions.get(method)
        scope = SCOPE_OF[action] if action is not None else None
        return f"\n\nScope: `{scope.value}`." if scope is not None else ""


def openapi_document() -> dict[str, Any]:
    """Return the whole document."""
    generator = SchemaGenerator(urlconf="jobs.api.urls")  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    structs = [answer.struct for entry in DOCUMENTED.values() for answer in entry.answers if answer.struct is not None]
    unique = list(dict.fromkeys([*structs, ProblemDocument]))
    _, schemas = msgspec.json.schema_components(unique, ref_template=_REF)
    document["paths"] = _in_reading_order(document["paths"])
    document["openapi"] = "3.1.0"
    document["info"] = {"title": "IronForge", "version": __version__, "description": DESCRIPTION}
    base = conf().base_path
    document["servers"] = [{"url": base or "/"}, {"url": f"{base}/api/v1"}]
    document["security"] = [{"key": []}, {"session": []}]
    document["components"] = {
        "schemas": {**schemas, **REQUEST_SCHEMAS, **SCHEDULE_SCHEMAS, **WORKFLOW_SCHEMAS, **PROTOCOL_SCHEMAS},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "An API key, `ifk_…`."},
            "session": {"type": "apiKey", "in": "cookie", "name": "ironforge_session"},
        },
    }
    return document


def _in_reading_order(paths: dict[str, Any]) -> dict[str, Any]:
    """Sort addresses and methods as the documentation tells them, which begins with submitting a job."""
    places = {documented.operation: place for place, documented in enumerate(DOCUMENTED.values())}

    def place(entry: tuple[str, Any]) -> int:
        return places[entry[1]["operationId"]]

    sorted_methods = {path: dict(sorted(methods.items(), key=place)) for path, methods in paths.items()}
    return dict(sorted(sorted_methods.items(), key=lambda entry: min(map(place, entry[1].items()))))


def _responses(documented: Documented) -> dict[str, Any]:
    found: dict[str, Any] = {str(answer.status): _response(answer) for answer in documented.answers}
    for status in documented.refusals:
        content = {CONTENT_TYPE: {"schema": _PROBLEM}}
        found[str(status)] = {"description": _REFUSALS[str(status)], "content": content}
    return dict(sorted(found.items()))


def _response(answer: Answer) -> dict[str, Any]:
    if answer.status == 204:
        return {"description": answer.description}
    if answer.struct is None:
        schema = {"type": "object" if answer.media_type == JSON else "string"}
        return {"description": answer.description, "content": {answer.media_type: {"schema": schema}}}
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=answer.struct.__name__)}}
    if answer.example is not None:
        content["examples"] = {"example": {"value": answer.example}}
    response: dict[str, Any] = {"description": answer.description, "content": {answer.media_type: content}}
    if answer.headers:
        response["headers"] = {
            name: {"schema": {"type": "string"}, "description": text} for name, text in answer.headers.items()
        }
    return response


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    schemas: dict[str, dict[str, Any]] = {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"},
        "worker_id": {"type": "string", "pattern": f"^{WORKER_ID.pattern}$"},
        "kind": {"type": "string", "pattern": f"^{KIND.pattern}$"},
        "namespace": {"type": "string", "pattern": f"^{NAMESPACE.pattern}$"},
        "person": {"type": "string", "minLength": 1, "maxLength": 150},
        "prefix": {"type": "string", "pattern": "^[a-z0-9]{12}$"},
    }
    return [{"name": name, "in": "path", "required": True, "schema": schemas.get(name, _ID)} for name in names]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    if parameter.example is not None:
        made["example"] = parameter.example
    return made
