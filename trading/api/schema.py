"""The OpenAPI 3.1 description: made from the models, and from what each door says it may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel

from trading.api.idempotency import ETAG_PATTERN, KEY_PATTERN
from trading.api.problems import MEDIA_TYPE
from trading.api.serializers.problems import ProblemOut

_F = TypeVar("_F", bound=Callable[..., Any])
JSON = "application/json"
SECURITY = "custodianKey"
SETTINGS = {
    "TITLE": "Rebalancer custodian API",
    "VERSION": "1.0.0",
    "DESCRIPTION": (
        "Custodians push the day's data in bulk, fetch the orders released to them and report executions. "
        "Later releases of v1 only add to it."
    ),
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/custodian/v1",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            SECURITY: {"type": "http", "scheme": "bearer", "description": "A key: cust_<key id>_<secret>."}
        }
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["trading.api.schema.require_bodies"],
}

_ALWAYS = {
    HTTPStatus.UNAUTHORIZED: "There is no key in force.",
    HTTPStatus.FORBIDDEN: "The key was not granted the scope.",
    HTTPStatus.NOT_FOUND: "There is no such firm or thing, as far as this key may know.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many calls in this minute.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke here; the same call may be made again.",
}
_READ = {HTTPStatus.BAD_REQUEST: "A parameter is unknown or wrong."}
_WRITE = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON, or a header or parameter is wrong.",
    HTTPStatus.CONFLICT: "It contradicts what is stored, or the same call is being carried out.",
    HTTPStatus.LENGTH_REQUIRED: "The body came without its length.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body has more than 50 MB.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not application/json in UTF-8.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The body cannot be taken; `errors` points to what is wrong.",
    HTTPStatus.PRECONDITION_REQUIRED: "A header that this call must have is missing.",
}
_STALE = {HTTPStatus.PRECONDITION_FAILED: "The order is at another version."}


def require_bodies(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A body may consist of defaults alone; that there is one is not optional."""
    for doors in result["paths"].values():
        for door in doors.values():
            if "requestBody" in door:
                door["requestBody"]["required"] = True
    return result


class PydanticModels(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Our models describe themselves; what they are made of becomes components of its own."""

    target_class = "pydantic.BaseModel"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        mode = "serialization" if direction == "response" else "validation"
        schema: dict[str, Any] = self.target.model_json_schema(mode=mode, ref_template="#/components/schemas/{model}")
        for name, part in schema.pop("$defs", {}).items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, object=name, schema=part
            )
            auto_schema.registry.register_on_missing(component)
        return schema


def reads(
    operation_id: str,
    summary: str,
    answer: type[BaseModel],
    *,
    scope: str,
    parameters: Iterable[OpenApiParameter] = (),
    tagged: bool = False,
) -> Callable[[_F], _F]:
    """Describe a GET. With `tagged` the answer has an ETag, and an unchanged one is 304."""
    answers: dict[Any, Any] = {(200, JSON): OpenApiResponse(answer)}
    more = list(parameters)
    if tagged:
        answers[304] = OpenApiResponse(description="It is still at the version of If-None-Match.")
        more.append(_header_in("If-None-Match", "An ETag.", "", required=False))
    return _described(operation_id, summary, answers | _problems(_READ), more, scope=scope, tagged=tagged)


def writes(
    operation_id: str,
    summary: str,
    body: type[BaseModel],
    answers: Mapping[int, type[BaseModel]],
    *,
    scope: str,
    parameters: Iterable[OpenApiParameter] = (),
    versioned: bool = False,
    tagged: bool = False,
) -> Callable[[_F], _F]:
    """Describe a POST. With `versioned` it needs If-Match."""
    known: dict[Any, Any] = {(status, JSON): OpenApiResponse(model) for status, model in answers.items()}
    more = [*parameters, _header_in("Idempotency-Key", "New for each call, the same for a repeat.", KEY_PATTERN)]
    problems = dict(_WRITE)
    if versioned:
        more.append(_header_in("If-Match", "The order's ETag.", ETAG_PATTERN))
        problems |= _STALE
    more.append(
        _header_out(
            "Idempotent-Replayed", "true when the answer was given before.", [str(status) for status in answers]
        )
    )
    if 201 in answers:
        more.append(_header_out("Location", "Where it can be read.", ["201"]))
    known |= _problems(problems)
    return _described(operation_id, summary, known, more, scope=scope, tagged=tagged, request={JSON: body})


def opens(operation_id: str, summary: str, answers: Mapping[Any, Any]) -> Callable[[_F], _F]:
    """Describe a GET that needs no key."""
    return _extend(
        operation_id=operation_id,
        summary=summary,
        description="Needs no key.",
        responses=answers,
        auth=[],
        tags=["meta"],
    )


def in_path(name: str, description: str, pattern: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.PATH, description=description, pattern=pattern)


def in_query(name: str, schema: dict[str, Any], description: str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)


def _described(
    operation_id: str,
    summary: str,
    answers: dict[Any, Any],
    parameters: list[OpenApiParameter],
    *,
    scope: str,
    tagged: bool,
    request: Any = None,
) -> Callable[[_F], _F]:
    statuses = [str(status[0] if isinstance(status, tuple) else status) for status in answers]
    limited = [status for status in statuses if status not in ("401", "404", "500")]
    headers = [
        _header_out("X-Request-Id", "Names this request in the audit trail.", statuses),
        _header_out("RateLimit-Limit", "Calls a minute.", limited),
        _header_out("RateLimit-Remaining", "Calls left in this minute.", limited),
        _header_out("RateLimit-Reset", "Seconds until the next minute.", limited),
        _header_out("Retry-After", "Seconds to wait.", ["429"]),
    ]
    if tagged:
        headers.append(_header_out("ETag", "The order's version.", ["200"]))
    return _extend(
        operation_id=operation_id,
        summary=summary,
        description=f"Needs the scope `{scope}`.",
        request=request,
        responses=answers,
        parameters=[FIRM, *parameters, *headers],
        auth=[{SECURITY: []}],
        tags=[operation_id.split("_", maxsplit=1)[0]],
    )


def _extend(**values: Any) -> Callable[[_F], _F]:
    decorate: Callable[[_F], _F] = extend_schema(**values)
    return decorate


def _problems(more: Mapping[HTTPStatus, str]) -> dict[Any, Any]:
    told = {**_ALWAYS, **more}
    return {
        (status.value, MEDIA_TYPE): OpenApiResponse(ProblemOut, description=told[status]) for status in sorted(told)
    }


def _header_in(name: str, description: str, pattern: str, *, required: bool = True) -> OpenApiParameter:
    schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, required=required, description=description)


def _header_out(name: str, description: str, statuses: list[str]) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, response=statuses, description=description)


FIRM = in_path("firm_slug", "The firm that the call is about.", r"^[-a-zA-Z0-9_]{1,50}$")
