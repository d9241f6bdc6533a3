"""What the API says about itself, to anybody."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from trading.api import description
from trading.api.problems import MEDIA_TYPE, Problem
from trading.api.schema import JSON, opens
from trading.api.serializers.problems import HealthOut, ProblemOut
from trading.api.views.base import OpenView
from trading.selectors.custodian_api import database_answers


class Health(OpenView):
    @opens(
        "meta_health",
        "Whether calls can be taken now.",
        {
            (200, JSON): OpenApiResponse(HealthOut),
            (503, MEDIA_TYPE): OpenApiResponse(ProblemOut, description="The database cannot be reached."),
        },
    )
    def get(self, request: Request) -> Response:
        if not database_answers():
            detail = "The database cannot be reached; come back in a moment."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers={"Retry-After": "5"})
        return Response(HealthOut(status="ok", api="v1").model_dump())


class Description(OpenView):
    @opens(
        "meta_openapi",
        "This description.",
        {(200, JSON): OpenApiResponse({"type": "object"}, description="OpenAPI 3.1.")},
    )
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(description.as_json(), content_type=JSON)
