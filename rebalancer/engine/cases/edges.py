"""Edge cases: the guard is found by the situation in the id, or by what the inputs contain."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from rebalancer.engine import calendars, guards
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.events import SIDE_NAMES, bust, correct, duplicate, out_of_order
from rebalancer.engine.cases.prose import Clause, Stated, stated
from rebalancer.engine.cases.reading import BadCase, Inputs, NotCovered
from rebalancer.engine.corporate_actions import parse_ratio
from rebalancer.engine.guards import Action, Verdict
from rebalancer.engine.lots import Lot
from rebalancer.engine.money import ZERO, times

Guard = Callable[[Inputs], Answer]

CLAUSES: dict[Action, tuple[Clause, ...]] = {
    Action.REVALIDATE: (Clause.REVALIDATE_CASH, Clause.NEVER_UPSIZE),
    Action.LEAVE_DUST: (Clause.SWEEP_ON_LIQUIDATION, Clause.OUT_OF_DRIFT),
    Action.SWEEP_DUST: (Clause.SWEEP_ON_LIQUIDATION, Clause.OUT_OF_DRIFT),
    Action.FINISH_OR_CANCEL: (Clause.FINISH_OR_CANCEL, Clause.REPROPOSE, Clause.ONE_VERSION),
    Action.REPROPOSE: (Clause.REPROPOSE, Clause.ONE_VERSION),
    Action.LOCK_GROUP: (Clause.LOCK_GROUP, Clause.BUY_EQUIVALENT, Clause.WAIT_31_DAYS),
}
"""What a guard's action promises, for answers written as sentences."""


def told(verdict: Verdict) -> dict[str, object]:
    """A verdict as the fields of an answer."""
    action: Stated = stated(verdict.action.value, *CLAUSES.get(verdict.action, ()))
    return {"action": action, "reason": verdict.reason.value if verdict.reason else None}


def stale_price(inputs: Inputs) -> Answer:
    verdict = guards.stale_price(inputs.moment("price_time"), inputs.moment("now"))
    return told(verdict) | {"still_value_for_drift": True if verdict is guards.PROCEED else "flagged"}


def price_jump(inputs: Inputs) -> Answer:
    announced = parse_ratio(inputs.text("split")) if "split" in inputs else None
    quantity, price = inputs.decimal("qty", default=ZERO), inputs.decimal("price")
    verdict = guards.price_jump(previous=inputs.decimal("prev_close"), price=price, announced=announced)
    return told(verdict) | {
        "value_if_naive": times(quantity, price),
        "true_value": guards.value_through_split(quantity, price, announced) if announced else times(quantity, price),
    }


def short_position(inputs: Inputs) -> Answer:
    return told(guards.short_position(inputs.decimal("qty")))


def missing_basis(inputs: Inputs) -> Answer:
    lots = None
    if "lots" in inputs:
        rows = [row for row in inputs.rows("lots") if "basis" in row or "cost_per_share" in row or "cost_basis" in row]
        lots = [Lot(str(at), date(2020, 1, 2), row.decimal("qty", "quantity"), ZERO) for at, row in enumerate(rows)]
    return told(guards.missing_basis(inputs.decimal("qty"), lots)) | {"counts_in_drift": True}


def dividend(inputs: Inputs) -> Answer:
    before, paid, buys = inputs.decimal("cash_at_proposal"), inputs.decimal("dividend"), inputs.decimal("buys")
    verdict = guards.revalidate_cash(proposed_on=before, cash=before + paid, buys=buys)
    return told(verdict) | {"buying_power": before + paid, "buys": verdict.amount, "upsized": False}


def schedule(inputs: Inputs) -> Answer:
    run = guards.scheduled_run(inputs.wall_clock("local"))
    return {
        "exists": run.local_time is not calendars.LocalTime.SKIPPED,
        "ambiguous": run.local_time is calendars.LocalTime.TWICE,
        "runs": 1,
        "run_at_utc": run.run_at,
        "rule": stated(run.local_time.value, Clause.SHIFT_FORWARD, Clause.RUN_ONCE),
    }


def dust(inputs: Inputs) -> Answer:
    price = inputs.decimal("price") if "price" in inputs else None
    liquidating = inputs.flag("liquidating", "full_liquidation", default=False)
    quantity = inputs.decimal("qty")
    verdict = guards.dust(quantity, price, liquidating=liquidating)
    return told(verdict) | {"excluded_from_drift": guards.is_dust(quantity, price)}


def household_conflict(inputs: Inputs) -> Answer:
    verdict = guards.household_wash(_intent(inputs.text("A")), _intent(inputs.text("B")))
    conflict = verdict.action is Action.LOCK_GROUP
    return told(verdict) | {"resolution": told(verdict)["action"], "conflict": conflict, "lock": conflict}


def _intent(text: str) -> guards.Intent:
    found = re.fullmatch(r"(BUY|SELL)(_LOSS|_GAIN)?\s+(\S+)", text.strip(), re.IGNORECASE)
    if not found:
        raise BadCase(f"{text!r} should be such as SELL_LOSS VTI or BUY VTI.")
    return guards.Intent(SIDE_NAMES[found[1].upper()], found[3].upper(), at_loss=(found[2] or "").upper() == "_LOSS")


def minimum_balance(inputs: Inputs) -> Answer:
    due = {
        "reserve": inputs.decimal("reserve", "minimum_balance", default=ZERO),
        "fees_due": inputs.decimal("fee_due", "fees_due", "accrued_fees", default=ZERO),
        "withdrawals": inputs.decimal("pending_withdrawals", "pending_withdrawal", default=ZERO),
    }
    cash = inputs.decimal("cash")
    return {"investable": guards.investable(cash, **due), "shortfall": guards.shortfall(cash, **due)}


def model_change(inputs: Inputs) -> Answer:
    return told(guards.model_change([str(order) for order in inputs.items("open_orders")]))


def negative_cash(inputs: Inputs) -> Answer:
    verdict = guards.cash_check(
        inputs.decimal("cash"),
        reserve=inputs.decimal("reserve", default=ZERO),
        fees_due=inputs.decimal("fee_due", "fees_due", default=ZERO),
    )
    return told(verdict) | {"min_raise": verdict.amount, "priority": stated("FIRST", Clause.BEFORE_BUYS)}


def new_account(inputs: Inputs) -> Answer:
    """Nothing is held, so nothing can be sold."""
    return {"buys_only": inputs.decimal("cash") > 0}


def withdrawal(inputs: Inputs) -> Answer:
    verdict = guards.withdrawal(
        inputs.decimal("withdrawal"), inputs.decimal("cash"), reserve=inputs.decimal("reserve", default=ZERO)
    )
    paid_on = next((inputs.day(name) for name in ("payment_date", "payment_on") if name in inputs), None)
    promise = stated("SELL_TO_SETTLE_BY_PAYMENT", Clause.SETTLE_BEFORE_PAYMENT)
    return told(verdict) | {"raise_usd": verdict.amount, "deadline": guards.sell_by(paid_on) if paid_on else promise}


def year_boundary(inputs: Inputs) -> Answer:
    trade_on = inputs.day("trade", "trade_date")
    return {
        "tax_year": guards.tax_year(trade_on),
        "settle": calendars.settles_on(trade_on),
        "reason": stated("TRADE_DATE", Clause.TRADE_DATE),
    }


def unpriced(inputs: Inputs) -> Answer:
    price = inputs.decimal("price") if "price" in inputs else None
    verdict = guards.unpriced(price)
    return told(verdict) | {"account_flag": "VALUE_INCOMPLETE" if price is None else None}


def overfill(inputs: Inputs) -> Answer:
    filled = inputs.decimal("filled", "cum", "cum_qty")
    verdict = guards.overfill(inputs.decimal("order_qty", "ordered"), filled)
    return told(verdict) | {"excess": verdict.amount, "auto_correct": False}


GUARDS: dict[str, tuple[Guard, frozenset[str]]] = {
    "STALE_PRICE": (stale_price, frozenset({"price_time", "now"})),
    "SPLIT_PRICE_JUMP": (price_jump, frozenset({"prev_close", "price"})),
    "PRICE_JUMP": (price_jump, frozenset({"prev_close", "price"})),
    "CORP_ACTION": (price_jump, frozenset({"prev_close", "price"})),
    "ACATS": (missing_basis, frozenset({"qty", "lots"})),
    "BUST": (bust, frozenset({"bust", "qty"})),
    "CORRECT": (correct, frozenset({"old", "new", "qty"})),
    "DUPLICATE": (duplicate, frozenset({"exec_ids", "qty"})),
    "OUT_OF_ORDER": (out_of_order, frozenset({"arrival_sequence", "order_qty"})),
    "DIVIDEND": (dividend, frozenset({"cash_at_proposal", "dividend", "buys"})),
    "DST": (schedule, frozenset({"local"})),
    "HH": (household_conflict, frozenset({"A", "B"})),
    "MIN_BALANCE": (minimum_balance, frozenset({"cash", "fee_due"})),
    "MODEL_CHANGE": (model_change, frozenset({"open_orders", "state"})),
    "WITHDRAWAL": (withdrawal, frozenset({"withdrawal", "cash"})),
    "YEAR_BOUNDARY": (year_boundary, frozenset({"trade"})),
    "OVERFILL": (overfill, frozenset({"order_qty", "filled"})),
    "NEGATIVE_CASH": (negative_cash, frozenset({"cash", "reserve"})),
    "UNPRICED": (unpriced, frozenset({"price"})),
    "NEW_ACCOUNT": (new_account, frozenset({"cash"})),
    "SHORT": (short_position, frozenset({"qty"})),
    "FRACTION_DUST": (dust, frozenset({"qty"})),
    "DUST": (dust, frozenset({"qty"})),
}
"""By the beginning of the id after EDGE-; the names are what identifies the situation when the id does not."""


def edge_case(case_id: str, inputs: Inputs) -> Answer:
    """The verdict on a situation.

    :raises NotCovered: when neither id nor inputs point to a guard
    """
    kind = case_id.upper().removeprefix("EDGE-")
    named = [name for name in GUARDS if kind.startswith(name)]
    if named:
        return GUARDS[max(named, key=len)][0](inputs)
    given = {name for name in inputs.values if name != "situation"}
    fitting = [(guard, names) for guard, names in GUARDS.values() if names <= given and len(names) > 1]
    if fitting:
        return max(fitting, key=lambda row: len(row[1]))[0](inputs)
    if given == {"cash"}:
        return new_account(inputs)
    if given == {"qty"}:
        return short_position(inputs) if inputs.decimal("qty") < 0 else dust(inputs)
    raise NotCovered("No guard fits these inputs.")
