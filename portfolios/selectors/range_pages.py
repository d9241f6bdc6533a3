"""The page of an account's hold ranges: each with what is held now, and what a range can be set for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.models import HoldRange, ModelAlternate, Security, SecurityKind
from portfolios.selectors.account_pages import account_facts
from portfolios.selectors.hold_ranges import amount_text, range_text, ranges_digest, ranges_of

UNITS = tuple(HoldRange.Unit.choices)
_HELD: Mapping[str, str] = {"SHARES": "quantity", "DOLLARS": "value", "WEIGHT": "weight"}
"""What a holding's row calls an amount in a range's unit."""


def range_page(firm_id: int, account_id: int, *, on: date) -> dict[str, Any] | None:
    """An account's ranges as of a day; nothing if the firm has no such account."""
    facts = account_facts(firm_id, account_id, on=on)
    if facts is None:
        return None
    rows = ranges_of(firm_id, account_id)
    held = {row["symbol"]: row for row in facts.page["holdings"]}
    return {
        "account": facts.page["account"],
        "ranges": [_line(row, held.get(row.security.symbol, {})) for row in rows],
        "choices": _choices(firm_id, {*held, *(row.security.symbol for row in rows)}),
        "seen": ranges_digest(rows),
    }


def _line(row: HoldRange, holding: Mapping[str, Any]) -> dict[str, Any]:
    now: Decimal | None = holding.get(_HELD[row.unit]) if holding else Decimal(0)
    return {
        "security_id": row.security_id,
        "symbol": row.security.symbol,
        "name": row.security.name,
        "unit": row.unit,
        "lowest": row.lowest,
        "highest": row.highest,
        "reason": row.reason,
        "text": range_text(row),
        "now_text": amount_text(row.unit, now),
        "outside": _outside(row, now),
    }


def _outside(row: HoldRange, now: Decimal | None) -> str:
    if now is not None and row.lowest is not None and now < row.lowest:
        return "less than that: nothing is sold"
    if now is not None and row.highest is not None and now > row.highest:
        return "more than that: nothing is bought"
    return ""


def _choices(firm_id: int, symbols: set[str]) -> list[tuple[int, str]]:
    """Securities that are held, wanted or in a range, and alternates of the firm's models: what may ever be traded."""
    alternates = ModelAlternate.objects.for_firm(firm_id).values_list("alternate__symbol", flat=True).distinct()
    found = Security.objects.filter(symbol__in={*symbols, *alternates}).exclude(kind=SecurityKind.SWEEP)
    return [(row.pk, f"{row.symbol} · {row.name}") for row in found.order_by("symbol")]
