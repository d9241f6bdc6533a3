"""The API's own description in OpenAPI 3.1, made from its doors."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings

from trading.api.schema import SETTINGS

MOUNTED_AT = "api/custodian/v1/"


@cache
def as_json() -> bytes:
    """The description as it is served."""
    return bytes(OpenApiJsonRenderer().render(_described()))


def as_yaml() -> str:
    """The description as it is kept in the repository."""
    return str(OpenApiYamlRenderer().render(_described()).decode())  # type: ignore[no-untyped-call]


def _described() -> Any:
    with patched_settings(SETTINGS):
        patterns = [path(MOUNTED_AT, include("trading.api.urls"))]
        generator = SchemaGenerator(patterns=patterns)  # type: ignore[no-untyped-call]
        return generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
