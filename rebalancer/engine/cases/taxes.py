"""Topics about what gains are taxed, at which rates, and which lots that makes the best to sell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.reading import BadCase, Inputs, as_decimal
from rebalancer.engine.cases.tax import TERMS
from rebalancer.engine.lots import Rates, min_tax_category
from rebalancer.engine.money import ZERO, cents, minus, times, total
from rebalancer.engine.taxes.best_lots import LotForSale, LotMix, best_lots, in_order, mix_of
from rebalancer.engine.taxes.netting import Gains, Losses, net_gains
from rebalancer.engine.taxes.regimes import LinearTax
from rebalancer.engine.taxes.schedules import (
    LOSS_LIMITS,
    NIIT_OVER,
    NIIT_RATE,
    Filing,
    net_investment_income_tax,
    rate_at,
    rules_for,
    slices,
    stacked_tax,
    start_of,
)

FILINGS: Mapping[str, Filing] = {
    **{filing.value: filing for filing in Filing},
    "S": Filing.SINGLE,
    "MFJ": Filing.MARRIED_JOINT,
    "JOINT": Filing.MARRIED_JOINT,
    "MARRIED": Filing.MARRIED_JOINT,
    "MARRIED_FILING_JOINTLY": Filing.MARRIED_JOINT,
    "QSS": Filing.MARRIED_JOINT,
    "SURVIVING_SPOUSE": Filing.MARRIED_JOINT,
    "MFS": Filing.MARRIED_SEPARATE,
    "SEPARATE": Filing.MARRIED_SEPARATE,
    "MARRIED_FILING_SEPARATELY": Filing.MARRIED_SEPARATE,
    "HOH": Filing.HEAD_OF_HOUSEHOLD,
    "HEAD": Filing.HEAD_OF_HOUSEHOLD,
}
FILING_NAMES = {
    Filing.SINGLE: "single",
    Filing.MARRIED_JOINT: "mfj",
    Filing.MARRIED_SEPARATE: "mfs",
    Filing.HEAD_OF_HOUSEHOLD: "hoh",
}
PERCENT = Decimal("0.01")


def _filing(inputs: Inputs) -> Filing:
    name = inputs.text("filing", "filing_status", "status", default="single").upper().replace("-", "_")
    if name.replace(" ", "_") not in FILINGS:
        raise BadCase(f"There is no filing status {name}.")
    return FILINGS[name.replace(" ", "_")]


def _year(inputs: Inputs) -> int:
    year = inputs.decimal("year", "tax_year")
    if year != int(year):
        raise BadCase(f"The input 'year' should be a year, not {year}.")
    return int(year)


def schedule_d(inputs: Inputs) -> Answer:
    """Losses are positive amounts; what was carried in may have several names."""
    if not any(f"{held}_{name}" in inputs for held in ("st", "lt") for name in ("gains", "losses")):
        raise BadCase("The inputs name no gains and no losses.")
    booked = Gains(
        minus(inputs.decimal("st_gains", default=ZERO), inputs.decimal("st_losses", default=ZERO)),
        minus(inputs.decimal("lt_gains", default=ZERO), inputs.decimal("lt_losses", default=ZERO)),
    )
    netted = net_gains(
        booked, carried_in=Losses(_carried(inputs, "st"), _carried(inputs, "lt")), loss_limit=_loss_limit(inputs)
    )
    return {
        "net_st": netted.net.short,
        "net_lt": netted.net.long,
        "net": netted.net.net,
        "deduct": netted.deducted,
        "st_carry": netted.carried.short,
        "lt_carry": netted.carried.long,
        "taxed_st": netted.taxed.short,
        "taxed_lt": netted.taxed.long,
    }


def _carried(inputs: Inputs, held: str) -> Decimal:
    """A carried loss counts the same whether it is written as a loss or as a negative gain."""
    names = [f"{held}_{name}" for name in ("carry_in", "carryover", "carry_over", "carryforward", "carry", "carried")]
    return abs(inputs.decimal(*names, f"carry_in_{held}", f"carryover_{held}", f"prior_{held}_carry", default=ZERO))


def _loss_limit(inputs: Inputs) -> Decimal:
    return inputs.decimal("loss_limit", "limit", default=LOSS_LIMITS[_filing(inputs)])


def ltcg_stacking(inputs: Inputs) -> Answer:
    below = inputs.decimal("ordinary_taxable_income", "ordinary_income", "ordinary", default=ZERO)
    amount = inputs.decimal("net_ltcg_plus_qd", "net_ltcg", "ltcg", "preferential")
    brackets = rules_for(_year(inputs), _filing(inputs)).preferential
    parts = zip(brackets, slices(brackets, below=below, amount=amount), strict=True)
    at = {f"at{int(bracket.rate / PERCENT)}": part for bracket, part in parts}
    return {**at, "tax": cents(stacked_tax(brackets, below=below, amount=amount))}


def niit(inputs: Inputs) -> Answer:
    over = NIIT_OVER[_filing(inputs)]
    tax = net_investment_income_tax(
        over=over,
        income=inputs.decimal("magi", "agi"),
        investment_income=inputs.decimal("nii", "net_investment_income"),
    )
    return {"niit": cents(tax), "threshold": over}


def rates(inputs: Inputs) -> Answer:
    """The rates of an ordinary bracket, or of an income; the thresholds of all filing statuses of the year."""
    year, filing = _year(inputs), _filing(inputs)
    rules = rules_for(year, filing)
    state = inputs.decimal("state_rate", "state", default=ZERO)
    if "ordinary_bracket" in inputs or "bracket" in inputs:
        short = _fraction(inputs)
        income = start_of(rules.ordinary, short)
    else:
        income = inputs.decimal("ordinary_taxable_income", "ordinary_income", "taxable_income")
        short = rate_at(rules.ordinary, income)
    long = rate_at(rules.preferential, income)
    return {
        "st_marginal": total([short, state]),
        "lt_marginal": total([long, state]),
        "st_marginal_with_niit": total([short, NIIT_RATE, state]),
        "lt_marginal_with_niit": total([long, NIIT_RATE, state]),
        "niit_threshold": rules.niit_over,
        **_thresholds(year),
    }


def _fraction(inputs: Inputs) -> Decimal:
    """A rate as "37%", 37 or 0.37."""
    value = inputs.get("ordinary_bracket", "bracket")
    if isinstance(value, str):
        digits = value.strip().removesuffix("%").strip()
        if not digits.replace(".", "", 1).isdecimal():
            raise BadCase(f"The input 'ordinary_bracket' should be such as 37%, not {value}.")
        return times(Decimal(digits), PERCENT)
    rate = as_decimal(value, "ordinary_bracket")
    return times(rate, PERCENT) if rate >= 1 else rate


def _thresholds(year: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for filing, name in FILING_NAMES.items():
        rules = rules_for(year, filing)
        found[f"top_bracket_start_{name}"] = rules.ordinary[-1].over
        found |= {f"bracket{int(b.rate / PERCENT)}_start_{name}": b.over for b in rules.ordinary}
        found |= {f"ltcg{int(b.rate / PERCENT)}_start_{name}": b.over for b in rules.preferential}
        found[f"niit_start_{name}"] = rules.niit_over
    return found


def netting_nonconvex(inputs: Inputs) -> Answer:
    """The best lots by true netting, and what exhausting short-term losses first would pay."""
    lots = [_lot_for_sale(row) for row in inputs.rows("lots")]
    tax, quantity = _linear_tax(inputs), inputs.decimal("must_sell", "sell_qty", "qty", "quantity")
    so_far = Gains(inputs.decimal("ytd_st", default=ZERO), inputs.decimal("ytd_lt", default=ZERO))
    best = best_lots(lots, quantity, tax=tax, so_far=so_far)
    by_category = sorted(lots, key=lambda lot: (min_tax_category(lot.gain, lot.term), lot.lot_id))
    naive = mix_of(lots, in_order(by_category, quantity), tax=tax, so_far=so_far)
    return {"best": best.shares, "tax_change": best.tax_change, "naive_ST_first": _mix(naive)}


def _mix(mix: LotMix) -> dict[str, object]:
    return {**mix.shares, "tax_change": mix.tax_change}


def _linear_tax(inputs: Inputs) -> LinearTax:
    given = inputs.inner("rates")
    return LinearTax(
        Rates(given.decimal("ST", "short"), given.decimal("LT", "long")),
        deduction=given.decimal("ordinary", "deduction"),
        carried=given.decimal("carry", "carried", "carry_value", default=inputs.decimal("carry_value", default=ZERO)),
        loss_limit=_loss_limit(inputs),
    )


def _lot_for_sale(row: Inputs) -> LotForSale:
    held = TERMS.get(row.text("term"))
    if held is None:
        raise BadCase(f"The term of a lot is ST or LT, not {row.text('term')}.")
    per_share = (
        Fraction(row.decimal("gain_per_share", "gain"))
        if "gain_per_share" in row or "gain" in row
        else -Fraction(row.decimal("loss_per_share", "loss"))
    )
    return LotForSale(row.text("id", "lot"), row.decimal("qty", "quantity"), per_share, held)


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    topic.__name__: topic
    for topic in (
        schedule_d,
        ltcg_stacking,
        niit,
        netting_nonconvex,
        rates,
    )
}
