"""What one account holds, security by security and lot by lot, valued at the newest prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.figures import day_text
from portfolios.models import Lot, Position, Security
from portfolios.selectors.quotes import Quote, newest_quotes
from rebalancer.engine.calendars import sessions_between
from rebalancer.engine.lots import Term, first_long_term_on, term
from rebalancer.engine.money import cents, times

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holdings:
    """An account's rows for the page. `value` counts what has a price; `unpriced` says how many rows have none."""

    rows: list[dict[str, Any]]
    value: Decimal
    unpriced: int


def holdings_of(
    firm_id: int,
    account_id: int,
    *,
    on: date,
    cash: Decimal,
    targets: Mapping[int, Decimal],
    price_max_age_sessions: int,
) -> Holdings:
    """Everything held or wanted, dearest first. Weights are of the account with its cash; `targets` by security id.

    A security that the model wants and the account lacks has a row of zero shares.
    """
    quantities = _quantities(firm_id, account_id)
    lots = _lots(firm_id, account_id)
    securities = _securities({*quantities, *targets})
    quotes = newest_quotes(firm_id, list(securities))
    values = {key: cents(times(quantities.get(key, ZERO), quotes[key].close)) for key in securities if key in quotes}
    value = sum(values.values(), ZERO)
    whole = value + cash
    rows = [
        {
            "symbol": security.symbol,
            "name": security.name,
            "class_name": security.asset_class.name,
            "quantity": quantities.get(key, ZERO),
            "target_weight": targets.get(key),
            "value": values.get(key),
            "weight": values[key] / whole if key in values and whole > 0 else None,
            **_price(quotes.get(key), on, price_max_age_sessions),
            **_basis(lots.get(key, []), values.get(key)),
            "lots": [_lot(lot, quotes.get(key), on) for lot in lots.get(key, [])],
        }
        for key, security in securities.items()
    ]
    unpriced = sum(1 for key in quantities if key not in quotes)
    return Holdings(sorted(rows, key=_dearest_first), value, unpriced)


def _dearest_first(row: Mapping[str, Any]) -> tuple[bool, Decimal, str]:
    return row["value"] is not None, -(row["value"] or ZERO), row["symbol"]


def _quantities(firm_id: int, account_id: int) -> dict[int, Decimal]:
    rows = Position.objects.for_firm(firm_id).filter(account_id=account_id).exclude(quantity=0).order_by("security_id")
    return dict(rows.values_list("security_id", "quantity"))


def _lots(firm_id: int, account_id: int) -> dict[int, list[Lot]]:
    lots: dict[int, list[Lot]] = {}
    rows = Lot.objects.for_firm(firm_id).filter(account_id=account_id, quantity__gt=0)
    for lot in rows.order_by("acquired_on", "id"):
        lots.setdefault(lot.security_id, []).append(lot)
    return lots


def _securities(ids: Iterable[int]) -> dict[int, Security]:
    return {row.pk: row for row in Security.objects.filter(pk__in=ids).select_related("asset_class").order_by("symbol")}


def _price(quote: Quote | None, on: date, oldest: int) -> dict[str, Any]:
    if quote is None:
        return {"price": None, "price_on": None, "price_problem": "no price"}
    stale = sessions_between(quote.priced_on, on) > oldest
    problem = f"old: {day_text(quote.priced_on)}" if stale else None
    return {"price": quote.close, "price_on": quote.priced_on, "price_problem": problem}


def _basis(lots: Sequence[Lot], value: Decimal | None) -> dict[str, Any]:
    """Basis and gain of a holding; neither is known unless every lot's is."""
    known = [lot.cost_basis for lot in lots if lot.cost_basis is not None]
    if not lots or len(known) < len(lots):
        return {"cost_basis": None, "gain": None}
    basis = cents(sum(known, ZERO))
    return {"cost_basis": basis, "gain": None if value is None else value - basis}


def _lot(lot: Lot, quote: Quote | None, on: date) -> dict[str, Any]:
    value = cents(times(lot.quantity, quote.close)) if quote else None
    basis = None if lot.cost_basis is None else cents(lot.cost_basis)
    held = term(lot.acquired_on, max(on, lot.acquired_on))  # bought since the last session
    return {
        "lot_id": lot.lot_key,
        "acquired_on": lot.acquired_on,
        "quantity": lot.quantity,
        "cost_basis": basis,
        "value": value,
        "gain": None if value is None or basis is None else value - basis,
        "term": held,
        "long_term_on": first_long_term_on(lot.acquired_on) if held is Term.SHORT else None,
    }
