"""How a page answers: whole to a browser, in part to htmx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def answer(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, part: str = "", status: int = 200
) -> HttpResponse:
    """Render a template, or one of its named parts. One address has several bodies, and caches are told so."""
    name = f"{template}#{part}" if part else template
    response = render(request, name, dict(context), status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response
