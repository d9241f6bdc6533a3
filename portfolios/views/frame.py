"""What the frame of every page knows of the book. Each is asked for only when a template writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from portfolios.selectors.demo import demo_sign_ins
from portfolios.selectors.problems import open_problem_count
from portfolios.selectors.quotes import newest_price_on


def frame(request: HttpRequest) -> dict[str, Callable[[], Any]]:
    member = getattr(request, "member", None)
    if member is None:
        return {"demo_sign_ins": demo_sign_ins}
    return {
        "problem_count": lambda: open_problem_count(member.firm_id),
        "prices_on": lambda: newest_price_on(member.firm_id),
    }
