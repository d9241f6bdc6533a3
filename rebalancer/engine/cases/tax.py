"""Topics about tax lots and what corporate actions do to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine import calendars, corporate_actions
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.reading import BadCase, Inputs, Json, NotCovered, as_decimal, as_mapping
from rebalancer.engine.lots import (
    Lot,
    Pick,
    Rates,
    Relief,
    Term,
    first_long_term_on,
    gain,
    min_tax_category,
    relieve,
    tax,
    term,
)
from rebalancer.engine.money import ZERO, minus, times, total

SOME_DAY = date(2020, 1, 2)
SHORT_NAMES = {Term.SHORT: "ST", Term.LONG: "LT"}
TERMS = {"ST": Term.SHORT, "LT": Term.LONG, "SHORT": Term.SHORT, "LONG": Term.LONG}
METHODS = {
    **{relief.value: relief for relief in Relief},
    "MINTAX_VANGUARD": Relief.MIN_TAX,
    "MINTAX": Relief.MIN_TAX,
    "TAX_OPT": Relief.LEAST_TAX,
    "SPECIFIC_ID": Relief.SPECIFIC,
    "SPEC_ID": Relief.SPECIFIC,
}


def holding_period(inputs: Inputs) -> Answer:
    acquired_on = inputs.day("acquired", "acquired_on")
    held = term(acquired_on, inputs.day("sold", "sold_on", "sale_date"))
    return {"term": SHORT_NAMES[held], "first_long_term_sale_date": first_long_term_on(acquired_on)}


def lot_identification_deadline(inputs: Inputs) -> Answer:
    cycle = inputs.text("settlement", default="")
    if cycle and not (cycle.startswith("T+") and cycle[2:].isdigit()):
        raise BadCase(f"The input 'settlement' should be such as T+1, not {cycle}.")
    days = int(cycle[2:]) if cycle else None
    return {"last_day_to_identify_lot": calendars.lots_identifiable_until(inputs.day("trade_date"), days=days)}


def lot_selection(inputs: Inputs) -> Answer:
    rows = inputs.rows("lots")
    method = _method(inputs)
    if rows and all("gain" in row for row in rows):
        return _first_by_gain(rows, method, inputs)
    lots = [_lot(row, at) for at, row in enumerate(rows)]
    priced = "price" in inputs
    if not priced and method in (Relief.MIN_TAX, Relief.LEAST_TAX):
        raise BadCase("The input 'price' is missing.")
    sold_on = (
        inputs.day("sale_date", "sold", "sold_on")
        if priced or "sale_date" in inputs
        else max(lot.acquired_on for lot in lots)
    )
    rates = _rates(inputs) if "rates" in inputs else None
    picks = relieve(
        lots,
        quantity=inputs.decimal("sell_qty", "qty", "quantity"),
        price=inputs.decimal("price", default=ZERO),
        sold_on=sold_on,
        by=method,
        rates=rates,
        specific=_instruction(inputs) if method is Relief.SPECIFIC else None,
    )
    return _sale(picks, rates) if priced else {"picks": [{"lot": p.lot_id, "qty": p.quantity} for p in picks]}


def _sale(picks: Sequence[Pick], rates: Rates | None) -> Answer:
    answer: dict[str, object] = {
        "picks": [
            {
                "lot": pick.lot_id,
                "qty": pick.quantity,
                "gain": pick.gain,
                "term": SHORT_NAMES[pick.term],
                "proceeds": pick.proceeds,
                "basis": pick.cost_basis,
            }
            for pick in picks
        ],
        "first_pick": picks[0].lot_id,
        "st_gain": gain(picks, Term.SHORT),
        "lt_gain": gain(picks, Term.LONG),
        "total_gain": total([pick.gain for pick in picks]),
        "proceeds": total([pick.proceeds for pick in picks]),
        "basis": total([pick.cost_basis for pick in picks]),
    }
    return answer | ({"tax_at_rates": tax(picks, rates)} if rates else {})


def _method(inputs: Inputs) -> Relief:
    """Without method or instruction the earliest lots are sold (Treas. Reg. 1.1012-1(c)(1))."""
    if "lot_instruction" in inputs or "specific" in inputs:
        return Relief.SPECIFIC
    if "method" not in inputs:
        return Relief.FIFO
    name = inputs.text("method").upper().replace("-", "_")
    if name not in METHODS:
        raise NotCovered(f"There is no lot method {name}.")
    return METHODS[name]


def _instruction(inputs: Inputs) -> list[tuple[str, Decimal]]:
    """Named lots as {"B": 50}, [{"lot": "B", "qty": 50}] or [["B", 50]]."""
    value = inputs.get("lot_instruction", "specific", "picks")
    if isinstance(value, dict):
        return [(name, as_decimal(wanted, name)) for name, wanted in value.items()]
    if not isinstance(value, list):
        raise BadCase("The lot instruction should name lots and quantities.")
    return [_named_lot(entry) for entry in value]


def _named_lot(entry: Json) -> tuple[str, Decimal]:
    if isinstance(entry, list) and len(entry) == 2:
        return str(entry[0]), as_decimal(entry[1], "lot_instruction")
    row = Inputs(as_mapping(entry, "lot_instruction"))
    return row.text("lot", "id", "lot_id"), row.decimal("qty", "quantity")


def _lot(row: Inputs, at: int) -> Lot:
    quantity = row.decimal("qty", "quantity")
    per_share = "cost_per_share" in row
    basis = times(quantity, row.decimal("cost_per_share")) if per_share else row.decimal("basis", "cost_basis", "cost")
    return Lot(row.text("id", "lot", default=str(at)), row.day("acquired", "date"), quantity, basis)


def _rates(inputs: Inputs) -> Rates:
    rates = inputs.inner("rates")
    return Rates(rates.decimal("ST", "short"), rates.decimal("LT", "long"))


def _first_by_gain(rows: list[Inputs], method: Relief, inputs: Inputs) -> Answer:
    """Lots that come with gain and term instead of cost and date: which is sold first?"""

    def key(row: Inputs) -> tuple[int, Fraction]:
        per_share = Fraction(row.decimal("gain")) / Fraction(row.decimal("qty", default=Decimal(1)))
        held = TERMS.get(row.text("term"))
        if held is None:
            raise BadCase(f"The term of a lot is ST or LT, not {row.text('term')}.")
        if method is Relief.MIN_TAX:
            return min_tax_category(per_share, held)
        if method is Relief.LEAST_TAX:
            return 0, per_share * Fraction(_rates(inputs).of(held))
        raise BadCase(f"The method {method} needs lots with dates and cost.")

    order = [row.text("id", "lot") for row in sorted(rows, key=lambda row: (key(row), row.text("id", "lot")))]
    return {"first_pick": order[0], "order": order, "picks": [{"lot": lot_id} for lot_id in order]}


def _split_inputs(inputs: Inputs) -> tuple[Lot, Fraction]:
    acquired_on = inputs.day("acquired") if "acquired" in inputs else SOME_DAY
    lot = Lot("lot", acquired_on, inputs.decimal("qty", "quantity"), inputs.decimal("basis", "cost_basis"))
    return lot, corporate_actions.parse_ratio(inputs.text("ratio"))


def split(inputs: Inputs) -> Answer:
    """Splits and reverse splits alike."""
    lot, new_per_old = _split_inputs(inputs)
    (after,) = corporate_actions.split_lots([lot], new_per_old)
    kept = after.acquired_on == lot.acquired_on
    quantity = corporate_actions.split_quantity(lot.quantity, new_per_old)
    return {
        "qty": quantity,
        "basis": after.cost_basis,
        "per_share": Fraction(after.cost_basis) / quantity,
        "acquired": after.acquired_on if "acquired" in inputs else "unchanged" if kept else "changed",
    }


def cash_in_lieu(inputs: Inputs) -> Answer:
    lot, new_per_old = _split_inputs(inputs)
    outcome = corporate_actions.cash_in_lieu(lot.quantity, lot.cost_basis, new_per_old)
    answer: dict[str, object] = {
        "post_qty": corporate_actions.split_quantity(lot.quantity, new_per_old),
        "whole_shares": outcome.whole_shares,
        "fraction": outcome.fraction,
        "per_share": outcome.basis_per_share,
        "fraction_basis": outcome.fraction_basis,
        "remaining_basis": outcome.remaining_basis,
    }
    cash = next((name for name in ("cash_in_lieu", "cil", "cash", "cil_cash") if name in inputs), None)
    return answer | ({"gain": outcome.gain(inputs.decimal(cash))} if cash else {})


def spinoff(inputs: Inputs) -> Answer:
    parent = Lot("parent", SOME_DAY, inputs.decimal("parent_qty"), inputs.decimal("parent_basis"))
    kept, spun = corporate_actions.spin_off(
        parent,
        spun_per_parent=Fraction(inputs.decimal("ratio")),
        parent_weight=inputs.decimal("parent_pct"),
        spun_lot_id="spun",
    )
    return {
        "parent_basis": kept.cost_basis,
        "spin_qty": spun.quantity,
        "spin_basis": spun.cost_basis,
        "spin_per_share": spun.cost_per_share(),
    }


def merger_boot(inputs: Inputs) -> Answer:
    outcome = corporate_actions.merge(
        old_basis=inputs.decimal("old_basis"),
        stock_value=inputs.decimal("stock_received_fmv"),
        cash=inputs.decimal("cash_received"),
    )
    return {"realized": outcome.realised, "recognized": outcome.recognised, "new_stock_basis": outcome.new_basis}


def return_of_capital(inputs: Inputs) -> Answer:
    lots = [
        Lot(str(at), SOME_DAY, row.decimal("qty"), row.decimal("basis")) for at, row in enumerate(inputs.rows("lots"))
    ]
    outcomes = [corporate_actions.return_of_capital(lot, inputs.decimal("roc_per_share")) for lot in lots]
    return {"lots": [{"basis": lot.cost_basis, "gain": excess} for lot, excess in outcomes]}


def drip(inputs: Inputs) -> Answer:
    on = inputs.day("date", "reinvested_on") if "date" in inputs or "reinvested_on" in inputs else SOME_DAY
    lot = corporate_actions.reinvest(
        lot_id="new", dividend=inputs.decimal("dividend"), price=inputs.decimal("price"), on=on
    )
    return {"new_lot_qty": lot.quantity, "new_lot_basis": lot.cost_basis}


def inheritance(inputs: Inputs) -> Answer:
    """Basis is the value at death, the term always long (IRC 1014, 1223(9))."""
    basis = inputs.decimal("fmv_date_of_death")
    lot = Lot("inherited", inputs.day("died"), Decimal(1), basis, inherited=True)
    held = lot.term(inputs.day("sold"))
    return {"gain": minus(inputs.decimal("proceeds"), basis), "term": SHORT_NAMES[held], "basis": basis}
