"""Turns what was decided into exact trades, their reasons, and the figures before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from rebalancer.engine import lots, money
from rebalancer.engine.book import NONE
from rebalancer.engine.drift import Drift
from rebalancer.engine.fees import Side, regulatory_fees
from rebalancer.engine.lots import Pick, Relief, Term
from rebalancer.engine.optimiser import sentences
from rebalancer.engine.optimiser.decision import (
    Certificate,
    ClassLine,
    Decision,
    HouseholdYear,
    SecurityLine,
    Skipped,
    SkipReason,
    Trade,
    TradeReason,
)
from rebalancer.engine.optimiser.facts import Facts, Holding, Reader, dollars
from rebalancer.engine.optimiser.whole import Whole
from rebalancer.engine.optimiser.whynot import leftover, skips
from rebalancer.engine.triggers import Mode

CASH = "Cash"
BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the search says of its answer, and what it was asked; dollars."""

    objective: float
    bound: float
    proven: bool
    slider: float
    distance: str
    year: HouseholdYear | None = None


def decide(whole: Whole, reader: Reader, mode: Mode, proof: Proof) -> Decision:
    """The decision for one account; weights, drift and what is left of it are the household's where it is joint."""
    facts, together = whole.own, whole.together
    trades = tuple(
        _trade(facts, reader, holding)
        for holding in sorted(facts.holdings, key=lambda one: (not one.sell, one.symbol))
        if holding.buy or holding.sell
    )
    cash_before = dollars(facts.cash)
    cash_after = money.total([cash_before, *(_into_cash(trade) for trade in trades)])
    picks = [pick for trade in trades for pick in trade.lots] if facts.taxable else []
    skipped = [*_account_skips(facts, cash_after), *_beyond(proof.year, picks), *skips(facts)]
    after = [_after(together, holding) for holding in together.holdings]
    by_symbol = {holding.symbol: weight for holding, weight in zip(together.holdings, after, strict=True)}
    change = {trade.symbol: trade.amount if trade.side is Side.BUY else -trade.amount for trade in trades}
    changed, cash_together = whole.change(change), money.total([cash_after, whole.cash_elsewhere])
    cash_weight_after = float(cash_together - dollars(together.withdrawals)) / float(dollars(together.value))
    return Decision(
        account_id=facts.account_id,
        mode=mode,
        trades=trades,
        skipped=tuple(skipped),
        value=dollars(facts.value),
        cash_before=cash_before,
        cash_after=cash_after,
        drift_before=float(reader.drift.drift_weight[facts.index]),
        drift_after=_drift_after(together, reader.drift, cash_weight_after),
        gain_short=money.cents(lots.gain(picks, Term.SHORT)),
        gain_long=money.cents(lots.gain(picks, Term.LONG)),
        tax=money.cents(lots.tax(picks, facts.policy.rates)),
        cost=money.total([trade.cost for trade in trades]),
        classes=(
            *_class_lines(together, reader, changed),
            _cash_line(together, reader.drift, cash_together, cash_weight_after),
        ),
        securities=tuple(_security_line(holding, by_symbol[holding.symbol], change) for holding in facts.holdings),
        certificate=_certificate(facts, proof),
        slider=proof.slider,
        distance=proof.distance,
        year=proof.year,
        leftover=leftover(together, after, cash_weight_after - float(reader.drift.cash_level.target[facts.index])),
        joint=together is not facts,
    )


def undecided(account: int, reader: Reader, reason: SkipReason, mode: Mode, proof: Proof) -> Decision:
    """The decision to do nothing, for an account that cannot be looked at further."""
    book, drift = reader.book, reader.drift
    cash = dollars(int(drift.cash[account]))
    zero = Decimal(0)
    return Decision(
        account_id=book.accounts.account_id[account],
        mode=mode,
        trades=(),
        skipped=(Skipped(None, reason, sentences.ACCOUNT[reason]),),
        value=dollars(int(drift.value[account])),
        cash_before=cash,
        cash_after=cash,
        drift_before=float(drift.drift_weight[account]),
        drift_after=float(drift.drift_weight[account]),
        gain_short=zero,
        gain_long=zero,
        tax=zero,
        cost=zero,
        classes=(),
        securities=(),
        certificate=Certificate(0.0, 0.0, 0.0, True),
        slider=proof.slider,
        distance=proof.distance,
        year=proof.year,
    )


def _certificate(facts: Facts, proof: Proof) -> Certificate:
    value = float(dollars(facts.value))
    gap = max(proof.objective - proof.bound, 0.0)
    return Certificate(proof.objective, proof.bound, gap / value * BPS, proof.proven)


def _into_cash(trade: Trade) -> Decimal:
    return trade.amount - trade.cost if trade.side is Side.SELL else -trade.amount - trade.cost


def _trade(facts: Facts, reader: Reader, holding: Holding) -> Trade:
    side = Side.SELL if holding.sell else Side.BUY
    micros = holding.sell or holding.buy
    quantity, price = dollars(micros), dollars(holding.price)
    picks = _picks(reader, holding, quantity, price) if holding.sell else ()
    fees = regulatory_fees(side=side, quantity=quantity, price=price, trade_on=reader.sold_on).charged
    reason = holding.reason or TradeReason.UNDERWEIGHT
    acquired_on = {
        pick.lot_id: reader.lot(row).acquired_on for pick, (row, _) in zip(picks, holding.lots_sold, strict=True)
    }
    return Trade(
        symbol=holding.symbol,
        side=side,
        quantity=quantity,
        price=price,
        amount=money.cents(money.times(quantity, price)),
        cost=money.cents_up(dollars(holding.spread(micros)) + facts.policy.commission + fees),
        lots=picks,
        reason=reason,
        sentence=sentences.trade_sentence(
            side=side,
            quantity=quantity,
            symbol=holding.symbol,
            lots=sentences.lots_text(picks, acquired_on) if picks else "",
            reason=reason,
            because=_because(facts, reader, holding, reason),
        ),
    )


def _picks(reader: Reader, holding: Holding, quantity: Decimal, price: Decimal) -> tuple[Pick, ...]:
    """The chosen lots, relieved exactly. A holding is sold from no other lots than these."""
    chosen = [(reader.lot(row), dollars(taken)) for row, taken in holding.lots_sold]
    return tuple(
        lots.relieve(
            [lot for lot, _ in chosen],
            quantity=quantity,
            price=price,
            sold_on=reader.sold_on,
            by=Relief.SPECIFIC,
            specific=[(lot.lot_id, taken) for lot, taken in chosen],
        )
    )


def _because(facts: Facts, reader: Reader, holding: Holding, reason: TradeReason) -> str:
    if reason is TradeReason.RAISE_CASH:
        purpose = (
            "a withdrawal that is due" if facts.withdrawals else "cash below zero" if facts.free < 0 else "the reserve"
        )
        return f"because {sentences.money_text(dollars(facts.missing))} of cash is missing for {purpose}"
    if reason is TradeReason.HARVEST:
        return "to realise losses that can be set against gains"
    if reason is TradeReason.LIQUIDATION:
        return "because the account is being closed out"
    if reason is TradeReason.OFF_MODEL:
        return "because the model does not hold it"
    classes, place = reader.drift.classes, (facts.index, holding.asset_class)
    weight, target = float(classes.weight[place]), float(classes.target[place])
    if (weight > target) == bool(holding.sell) and abs(weight - target) > 0.0005:
        name = reader.book.asset_classes[holding.asset_class]
    else:
        name, weight, target = holding.symbol, holding.weight, holding.target_weight
    joint = reader.drift.joint
    of_household = joint is not None and bool(joint.owner[facts.index] != NONE)
    return f"because {sentences.against_target(name, weight, target, of_household=of_household)}"


def _account_skips(facts: Facts, cash_after: Decimal) -> Iterable[Skipped]:
    if facts.too_small:
        text = sentences.ACCOUNT[SkipReason.TRADES_TOO_SMALL]
        minimum = sentences.percent(facts.policy.minimum_trades_weight)
        yield Skipped(None, SkipReason.TRADES_TOO_SMALL, text.format(minimum=minimum))
    missing = dollars(facts.reserve + facts.withdrawals) - cash_after
    if facts.missing > 0 and missing > 0:
        text = sentences.ACCOUNT[SkipReason.CASH_NOT_RAISED].format(missing=sentences.money_text(missing))
        yield Skipped(None, SkipReason.CASH_NOT_RAISED, text)


def _beyond(year: HouseholdYear | None, picks: Sequence[Pick]) -> Iterable[Skipped]:
    """Budgets that are exceeded, said where gains are realised all the same."""
    if year is None or not any(pick.gain > 0 for pick in picks):
        return
    for left, reason in ((year.gain_left, SkipReason.GAIN_BUDGET), (year.tax_left, SkipReason.TAX_BUDGET)):
        if left is not None and left < 0:
            text = sentences.ACCOUNT[reason].format(missing=sentences.money_text(-left))
            yield Skipped(None, reason, text)


def _after(facts: Facts, holding: Holding) -> float:
    """Weight after the trades, of the value before them."""
    return (holding.quantity + holding.buy - holding.sell) * holding.price / 1e6 / facts.value


def _drift_after(facts: Facts, drift: Drift, cash_weight: float) -> float:
    target = float(drift.cash_level.target[facts.index])
    off = sum(abs(_after(facts, holding) - holding.target_weight) for holding in facts.holdings)
    return 0.5 * (off + abs(cash_weight - target))


def _class_lines(facts: Facts, reader: Reader, change: dict[str, Decimal]) -> Sequence[ClassLine]:
    """Classes that are held or wanted, in the book's order."""
    classes = reader.drift.classes
    amounts: dict[int, Decimal] = {}
    after: dict[int, Decimal] = {}
    for holding in facts.holdings:
        place = holding.asset_class
        before = dollars(holding.value)
        amounts[place] = amounts.get(place, Decimal(0)) + before
        after[place] = after.get(place, Decimal(0)) + before + change.get(holding.symbol, Decimal(0))
    return [
        ClassLine(
            name=reader.book.asset_classes[place],
            before_weight=float(classes.weight[facts.index, place]),
            target_weight=float(classes.target[facts.index, place]),
            after_weight=float(after[place]) * 1e6 / facts.value,
            low_weight=_edge(float(classes.low[facts.index, place])),
            high_weight=_edge(float(classes.high[facts.index, place])),
            before_amount=money.cents(amounts[place]),
            after_amount=money.cents(after[place]),
        )
        for place in sorted(amounts)
    ]


def _edge(weight: float) -> float | None:
    return min(max(weight, 0.0), 1.0) if isfinite(weight) else None


def _cash_line(facts: Facts, drift: Drift, cash_after: Decimal, weight_after: float) -> ClassLine:
    level, account = drift.cash_level, facts.index
    return ClassLine(
        name=CASH,
        before_weight=float(level.weight[account]),
        target_weight=float(level.target[account]),
        after_weight=weight_after,
        low_weight=_edge(float(level.low[account])),
        high_weight=_edge(float(level.high[account])),
        before_amount=money.cents(dollars(facts.free)),
        after_amount=money.cents(cash_after - dollars(facts.withdrawals)),
    )


def _security_line(holding: Holding, after: float, change: dict[str, Decimal]) -> SecurityLine:
    return SecurityLine(
        symbol=holding.symbol,
        quantity_before=dollars(holding.quantity),
        quantity_after=dollars(holding.quantity + holding.buy - holding.sell),
        before_weight=holding.weight,
        target_weight=holding.target_weight,
        after_weight=after,
        change_amount=change.get(holding.symbol, Decimal(0)),
    )
