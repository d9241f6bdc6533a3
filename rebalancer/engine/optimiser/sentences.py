"""Why and why not, as an adviser reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from rebalancer.engine.fees import Side
from rebalancer.engine.lots import Pick, Term
from rebalancer.engine.optimiser.decision import SkipReason, TradeReason

TERM_WORDS = {Term.LONG: "long-term", Term.SHORT: "short-term"}

WHY_NOT: Mapping[SkipReason, str] = {
    SkipReason.ON_TARGET: "{symbol} is on its target of {target}.",
    SkipReason.WITHIN_BAND: "The weight of {symbol} is {weight} against a target of {target}, which the bands allow.",
    SkipReason.LESS_THAN_A_SHARE: "The weight of {symbol} is {weight} against a target of {target}: the difference is "
    "less than a share.",
    SkipReason.BELOW_MINIMUM: "{symbol} is not {traded}: the trade would be smaller than the minimum of {minimum}.",
    SkipReason.TRADES_TOO_SMALL: "{symbol} is not {traded}: the account's trades together would be too small.",
    SkipReason.UNPRICED: "{symbol} is not traded: it has no price.",
    SkipReason.STALE_PRICE: "{symbol} is not traded: its price is too old.",
    SkipReason.NOT_TRADABLE: "{symbol} is not traded: trading in it is held at present.",
    SkipReason.HELD: "{symbol} is not traded: a restriction or an open order holds it.",
    SkipReason.NO_BUY: "{symbol} is not bought: a restriction forbids it.",
    SkipReason.NO_SELL: "{symbol} is not sold: a restriction forbids it.",
    SkipReason.BASIS_PENDING: "{symbol} is not sold: its tax lots or their cost basis have not arrived.",
    SkipReason.WASH_SALE_BUY: "{symbol} is not bought: the household sold it, or its equivalent, at a loss within 30 "
    "days.",
    SkipReason.WASH_SALE_LOSS: "{symbol} is not sold further: its other lots are at a loss, which a purchase within 30 "
    "days in the household would wash.",
    SkipReason.VOLUME_CAP: "{symbol} is not {traded} further: the order would exceed {cap} of its average volume.",
    SkipReason.NOTHING_TO_BUY: "{symbol} is not sold further: the cash is not needed for what may be bought.",
    SkipReason.NOT_ENOUGH_CASH: "{symbol} is not bought further: what may be sold brings no more cash.",
    SkipReason.NOT_WORTH_TAX: "{symbol} is not sold further: its tax would cost more than the drift it would mend.",
    SkipReason.WAITS_FOR_LONG_TERM: "{symbol} is not sold further: lots turn long-term within {days} days.",
    SkipReason.GAIN_BUDGET: "{symbol} is not sold further: the household's budget for gains this year is used up.",
    SkipReason.TAX_BUDGET: "{symbol} is not sold further: the household's budget for tax this year is used up.",
    SkipReason.EQUIVALENT: "{symbol} stays as it is: with what is substantially identical to it, the account holds as "
    "much as the model wants.",
    SkipReason.HELD_RANGE: "{symbol} is not {traded} further: a restriction keeps what is held of it within a range.",
    SkipReason.CASH_ONLY: "{symbol} is not {traded}: only cash is put in order this time.",
}

ACCOUNT: Mapping[SkipReason, str] = {
    SkipReason.NO_MODEL: "The account follows no model, so nothing is proposed.",
    SkipReason.BLOCKED: "The account is blocked, so nothing is proposed.",
    SkipReason.DATA_PROBLEM: "The account has a data problem, so nothing is proposed until it is put right.",
    SkipReason.NO_VALUE: "The account has nothing to invest.",
    SkipReason.VALUE_INCOMPLETE: "A holding has no price: the account's value is not known, so it is not rebalanced.",
    SkipReason.TRADES_TOO_SMALL: "The trades together would not exceed {minimum} of the account, so none is made.",
    SkipReason.GAIN_BUDGET: "The household's budget for gains is exceeded by {missing}: cash that must be raised comes "
    "first.",
    SkipReason.TAX_BUDGET: "The household's budget for tax is exceeded by {missing}: cash that must be raised comes "
    "first.",
    SkipReason.CASH_NOT_RAISED: "{missing} of cash is missing and nothing more may be sold.",
}


INSTEAD = "{barred}; {other} is bought instead."
"""What may not be bought, and the alternate that takes its place."""


def percent(weight: float | Decimal) -> str:
    """One decimal: 66.1 %."""
    return f"{100 * weight:.1f} %"


def money_text(amount: Decimal) -> str:
    return f"−${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def shares(quantity: Decimal) -> str:
    return f"{quantity.normalize():,f}"


def day(on: date) -> str:
    """3 Mar 2021."""
    return f"{on.day} {on:%b} {on.year}"


def lots_text(picks: Sequence[Pick], acquired_on: Mapping[str, date]) -> str:
    """The lot by its date, or how many lots and of what term."""
    if len(picks) == 1:
        return f"lot of {day(acquired_on[picks[0].lot_id])}, {TERM_WORDS[picks[0].term]}"
    terms = {pick.term for pick in picks}
    kinds = TERM_WORDS[terms.pop()] if len(terms) == 1 else "long- and short-term"
    return f"{len(picks)} lots, {kinds}"


def against_target(name: str, weight: float, target: float, *, of_household: bool) -> str:
    """As in: the weight of US equity is 66.1 % against a target of 60.0 %; of an account, or of its household."""
    subject = "the household's weight" if of_household else "the weight"
    return f"{subject} of {name} is {percent(weight)} against a target of {percent(target)}"


def trade_sentence(*, side: Side, quantity: Decimal, symbol: str, lots: str, reason: TradeReason, because: str) -> str:
    """As in: Sells 12 VTI (lot of 3 Mar 2021, long-term) because the weight of US equity is 66.1 % …"""
    verb = "Buys" if side is Side.BUY else "Sells"
    of_lots = f" ({lots})" if lots else ""
    with_cash = " with cash above its target" if reason is TradeReason.INVEST_CASH else ""
    return f"{verb} {shares(quantity)} {symbol}{of_lots}{with_cash} {because}."
