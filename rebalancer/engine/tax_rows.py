"""What households have realised and may still realise, spelled out household by household."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from rebalancer.engine.book_tables import NO_BUDGET, BadBook, Floats, HouseholdTaxes, Ints
from rebalancer.engine.money import ZERO, to_micros
from rebalancer.engine.taxes.schedules import LOSS_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """What a household may still realise this year and has realised; dollars, as in `book_tables.HouseholdTaxes`."""

    household: str
    gain_budget: Decimal | None = None
    """None: no limit."""
    gain_budget_year: Decimal | None = None
    """None: the same as what is still allowed."""
    tax_budget: Decimal | None = None
    tax_budget_year: Decimal | None = None
    short_so_far: Decimal = ZERO
    long_so_far: Decimal = ZERO
    netting: bool = False
    ordinary_rate: Decimal = ZERO
    carried_worth: Decimal = ZERO
    loss_limit: Decimal = LOSS_LIMIT


def household_taxes(rows: Sequence[TaxRow], households: Mapping[str, int]) -> HouseholdTaxes | None:
    """The table of these rows; None where there is none.

    :param households: places by name; one without a row has no budget and has realised nothing
    :raises BadBook: for a household that is not there, or two rows for one
    :raises rebalancer.engine.money.InexactAmount: when an amount has more than six decimals
    """
    if not rows:
        return None
    named = {row.household: row for row in rows}
    if len(named) != len(rows):
        raise BadBook("There are two tax rows for one household.")
    for household in named:
        if household not in households:
            raise BadBook(f"There is no household {household}, which a tax row names.")
    every = [named.get(household, TaxRow(household=household)) for household in households]
    return HouseholdTaxes(
        gain_budget=_ints(_budget(row.gain_budget) for row in every),
        gain_budget_year=_ints(_budget(_first(row.gain_budget_year, row.gain_budget)) for row in every),
        tax_budget=_ints(_budget(row.tax_budget) for row in every),
        tax_budget_year=_ints(_budget(_first(row.tax_budget_year, row.tax_budget)) for row in every),
        short_so_far=_ints(to_micros(row.short_so_far) for row in every),
        long_so_far=_ints(to_micros(row.long_so_far) for row in every),
        netting=np.array([row.netting for row in every], dtype=bool),
        ordinary_rate=_floats(row.ordinary_rate for row in every),
        carried_worth=_floats(row.carried_worth for row in every),
        loss_limit=_ints(to_micros(row.loss_limit) for row in every),
    )


def _budget(amount: Decimal | None) -> int:
    return NO_BUDGET if amount is None else to_micros(amount)


def _first(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if amount is None else amount


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _floats(values: Iterable[Decimal]) -> Floats:
    return np.array([float(value) for value in values], dtype=np.float64)
