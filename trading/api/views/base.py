"""What every door of the API does: who calls, about which firm, how often; one answer, stored and audited."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import ulid
from django.http import Http404, HttpResponseBase
from django.utils import timezone
from pydantic import BaseModel
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.tenancy import firm_scope
from trading.api import authentication, bodies, idempotency, throttling
from trading.api.problems import MEDIA_TYPE, Problem, not_found, problem_of
from trading.api.serializers.orders import NoQuery
from trading.api.throttling import Allowance, Budget
from trading.selectors.custodian_api import Caller
from trading.services.custodian_api import calls
from trading.services.custodian_api.calls import Answer
from trading.services.custodian_api.refusals import Refusal

logger = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_B = TypeVar("_B", bound=BaseModel)
_Q = TypeVar("_Q", bound=BaseModel)


class AlwaysJson(BaseContentNegotiation):
    """There is one form of answer, whatever the caller says it would like."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> tuple[BaseRenderer, str]:
        return renderers[0], "application/json"


class OpenView(APIView):
    """A door that needs no key. Whatever goes wrong behind it is answered as a problem."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    http_method_names: ClassVar[list[str]] = ["get", "post"]  # type: ignore[misc]

    at: datetime
    request_id = ""
    caller: Caller | None = None
    allowance: Allowance | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.begin(request)

    def begin(self, request: Request) -> None:
        """Note the time, once, and give the request its id."""
        self.at = timezone.now()
        given = request.headers.get("X-Request-Id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{ulid.new()}"
        if not self.http_method_names or (request.method or "").lower() not in self.allowed:
            raise MethodNotAllowed(request.method or "")

    @property
    def path(self) -> str:
        """The path, quoted as it travels: what may be stored and shown."""
        return quote(self.request.path, safe="/:")

    @property
    def allowed(self) -> set[str]:
        return {name for name in self.http_method_names if hasattr(self, name)}

    def handle_exception(self, exc: Exception) -> Response:
        response = self.problem_response(self._problem(exc))
        if self.caller is not None and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            with firm_scope(self.caller.firm_id):
                self.audit(response.status_code)
        return response

    def _problem(self, exc: Exception) -> Problem:
        match exc:
            case Problem():
                return exc
            case Refusal():
                return problem_of(exc)
            case Http404():
                return not_found()
            case MethodNotAllowed():
                headers = {"Allow": ", ".join(sorted(name.upper() for name in self.allowed))}
                detail = f"{self.request.method} is not possible here."
                return Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers=headers)
            case _:
                logger.error("request %s failed", self.request_id, exc_info=exc)
                detail = "Something broke here and was written down. Nothing was done; send the same call again."
                return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)

    def problem_body(self, problem: Problem) -> dict[str, Any]:
        return problem.body(instance=self.path, request_id=self.request_id)

    def problem_response(self, problem: Problem) -> Response:
        body = self.problem_body(problem)
        return Response(body, problem.status.value, headers=problem.headers, content_type=MEDIA_TYPE)

    def audit(self, status: int) -> None:
        if self.caller is not None:
            calls.audit_call(
                caller=self.caller,
                method=self.request.method or "",
                path=self.path,
                status=status,
                at=self.at,
            )

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        final["X-Request-Id"] = self.request_id
        final["Cache-Control"] = "no-store"
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                final[name] = value
        return final


class CustodianView(OpenView):
    """A door of one firm, for a key that serves it."""

    budget: ClassVar[Budget] = Budget.WRITES
    scope: ClassVar[str] = ""
    """What the key must have been granted; blank where it depends on what is asked."""

    caller: Caller
    body_bytes = 0

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.begin(request)
        credential = authentication.authenticate(request, at=self.at)
        self.allowance = throttling.take(credential.id, self.budget, at=self.at)
        self.caller = authentication.caller_in(credential, kwargs["firm_slug"], request_id=self.request_id)
        if self.scope:
            authentication.require_scope(self.caller, self.scope)

    def read(self, work: Callable[[], Answer]) -> Response:
        """Answer a GET, in the firm's scope."""
        with firm_scope(self.caller.firm_id):
            answer = self._attempt(work)
            self.audit(answer.status)
        return self._response(answer)

    def query(self, model: type[_Q]) -> _Q:
        """:raises Problem: 400 for parameters that are not as they should be"""
        return bodies.parse_query(model, self.request)

    def write(self, model: type[_B], work: Callable[[_B], Answer]) -> Response:
        """Carry a POST out once: `work` gets the body as a model."""
        self.query(NoQuery)
        key = idempotency.idempotency_key(self.request)
        body = bodies.read_body(self.request)
        self.body_bytes = len(body)
        answer = calls.once(
            caller=self.caller,
            call=idempotency.call_of(self.request, self.path, key, body),
            at=self.at,
            work=lambda: self._attempt(lambda: work(bodies.parse(model, body))),
        )
        return self._response(answer)

    def _attempt(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except Refusal as refusal:
            problem = problem_of(refusal)
        except Problem as found:
            problem = found
        return Answer(problem.status.value, self.problem_body(problem))

    def _response(self, answer: Answer) -> Response:
        good = answer.status < HTTPStatus.BAD_REQUEST
        headers = dict(self.headers_for(answer.body)) if good else {}
        if answer.is_replay:
            headers["Idempotent-Replayed"] = "true"
        content_type = "application/json" if good else MEDIA_TYPE
        return Response(dict(answer.body), answer.status, headers=headers, content_type=content_type)

    def headers_for(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """The headers of a good answer; the same for a repeat."""
        return {}


class NothingHere(OpenView):
    """Every path that is none of ours."""

    schema = None

    @property
    def allowed(self) -> set[str]:
        return {(self.request.method or "").lower()}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.begin(request)
        raise not_found()
