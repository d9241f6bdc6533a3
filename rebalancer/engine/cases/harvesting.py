"""Topics about what a loss is worth, when it can be taken, and about basis and holding tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rebalancer.engine.calendars import is_session, next_session
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.reading import Inputs
from rebalancer.engine.cases.tax import SHORT_NAMES
from rebalancer.engine.lots import Lot, Relief, Term, gain, relieve
from rebalancer.engine.money import ZERO, cents, minus, times, total
from rebalancer.engine.taxes import basis, dividends, harvesting


def fund_six_month_rule(inputs: Inputs) -> Answer:
    bought, sold = inputs.inner("bought"), inputs.inner("sold")
    cost, proceeds = bought.decimal("cost", "basis", "cost_basis"), sold.decimal("proceeds")
    loss = dividends.fund_loss(
        cost_basis=cost,
        proceeds=proceeds,
        bought_on=bought.day("date"),
        sold_on=sold.day("date"),
        capital_gain_distributions=inputs.decimal("cap_gain_distribution", "capital_gain_distribution", default=ZERO),
        exempt_interest_dividends=inputs.decimal("exempt_interest_dividend", "exempt_interest", default=ZERO),
    )
    return {
        "total_loss": loss.total,
        "disallowed_loss": loss.disallowed,
        "disallowed": loss.disallowed,
        "lt_loss": loss.long,
        "st_loss": loss.short,
        "gain": max(ZERO, minus(proceeds, cost)),
    }


def tlh_value(inputs: Inputs) -> Answer:
    value = harvesting.value_of_loss(
        inputs.decimal("loss"),
        rate_now=inputs.decimal("rate_now", "t_now"),
        rate_future=inputs.decimal("rate_future", "t_future"),
        discount_rate=inputs.decimal("discount", "discount_rate", "r"),
        years=inputs.decimal("years", "T"),
        step_up_probability=inputs.decimal("p_stepup", "p_step_up", default=ZERO),
    )
    drawbacks = harvesting.Drawbacks(
        round_trip=inputs.decimal("round_trip_cost", "cost", default=ZERO),
        tracking=inputs.decimal("tracking_cost", default=ZERO),
        washed=inputs.decimal("wash_loss", default=ZERO),
    )
    hurdle = inputs.decimal("hurdle", default=ZERO)
    worth = harvesting.is_worth_harvesting(value, drawbacks=drawbacks, hurdle=hurdle)
    return {"value": cents(value), "net_value": cents(minus(value, drawbacks.total)), "harvest": worth}


def tlh_wait(inputs: Inputs) -> Answer:
    planned_on = inputs.day("planned_loss_sale", "planned_sale", "loss_sale")
    clean_on = harvesting.earliest_clean_sale(
        [inputs.day("last_purchase_anywhere", "last_purchase")], planned_on=planned_on
    )
    session = clean_on if is_session(clean_on) else next_session(clean_on)
    return {
        "earliest_clean_sale_date": clean_on,
        "days_to_wait": (clean_on - planned_on).days,
        "earliest_clean_sale_trading_day": session,
    }


def tlh_rebuy(inputs: Inputs) -> Answer:
    rebuy = harvesting.rebuy_after(inputs.day("loss_sale", "loss_sale_date", "sold"))
    return {
        "last_blocked_purchase_date": rebuy.last_blocked_on,
        "earliest_rebuy_date": rebuy.free_on,
        "earliest_rebuy_trading_day": rebuy.free_session_on,
    }


def qualified_dividend(inputs: Inputs) -> Answer:
    test = dividends.qualified_dividend(
        bought_on=inputs.day("bought", "bought_on", "acquired"),
        sold_on=inputs.day("sold", "sold_on") if "sold" in inputs or "sold_on" in inputs else None,
        ex_on=inputs.day("ex_date", "ex_on"),
        window=dividends.PREFERRED if inputs.flag("preferred", default=False) else dividends.COMMON,
        diminished_risk_days=int(inputs.decimal("diminished_risk_days", "hedged_days", default=ZERO)),
    )
    return {"days_held": test.days_held, "days_in_window": test.days_in_window, "qualified": test.qualified}


def gift_basis(inputs: Inputs) -> Answer:
    sale = basis.sell_gift(
        donor_basis=inputs.decimal("donor_basis"),
        market_value=inputs.decimal("fmv_at_gift", "fmv", "market_value"),
        proceeds=inputs.decimal("sale", "proceeds", "sale_price"),
    )
    answer: dict[str, object] = {"gain": sale.gain, "basis": sale.basis, "basis_used": sale.by.value}
    if "donor_acquired" not in inputs:
        return answer
    held = basis.gift_term(
        donor_acquired_on=inputs.day("donor_acquired"),
        given_on=inputs.day("gift_date", "given"),
        sold_on=inputs.day("sold", "sale_date"),
        by=sale.by,
    )
    return answer | {"term": SHORT_NAMES[held]}


def average_cost(inputs: Inputs) -> Answer:
    """All purchases up to the sale share one average; shares leave in the order they came."""
    sold = inputs.inner("sell", "sale")
    sold_on, quantity, price = sold.day("date"), sold.decimal("qty", "quantity"), sold.decimal("price")
    lots = [_purchase(row, at) for at, row in enumerate(inputs.rows("purchases", "lots"))]
    lots = [lot for lot in lots if lot.acquired_on <= sold_on]
    picks = relieve(basis.at_average_cost(lots), quantity=quantity, price=price, sold_on=sold_on, by=Relief.FIFO)
    acquired_on = {lot.lot_id: lot.acquired_on for lot in lots}
    terms = {SHORT_NAMES[pick.term] for pick in picks}
    return {
        "total_cost": total([lot.cost_basis for lot in lots]),
        "avg_basis_per_share": basis.average_cost(lots),
        "basis_sold": cents(total([pick.cost_basis for pick in picks])),
        "proceeds": cents(total([pick.proceeds for pick in picks])),
        "gain": cents(total([pick.gain for pick in picks])),
        "st_gain": cents(gain(picks, Term.SHORT)),
        "lt_gain": cents(gain(picks, Term.LONG)),
        "term": terms.pop() if len(terms) == 1 else "MIXED",
        "lots_depleted": [{"date": acquired_on[pick.lot_id], "qty": pick.quantity} for pick in picks],
    }


def _purchase(row: Inputs, at: int) -> Lot:
    quantity = row.decimal("qty", "quantity")
    cost = times(quantity, row.decimal("price")) if "price" in row else row.decimal("cost", "basis", "cost_basis")
    return Lot(f"{at:06}", row.day("date", "acquired"), quantity, cost)


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    topic.__name__: topic
    for topic in (
        fund_six_month_rule,
        tlh_value,
        tlh_wait,
        tlh_rebuy,
        qualified_dividend,
        gift_basis,
        average_cost,
    )
}
