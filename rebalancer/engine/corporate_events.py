"""Corporate actions as events on a ledger of lots: each can be applied, looked at, and taken back.

Dates and basis follow `corporate_actions`. Fractions of a share that are paid in cash are a sale of shares of the
earliest lots (Reg. 1.1012-1(c)(1)), each with its own term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from rebalancer.engine import corporate_actions as actions
from rebalancer.engine import money
from rebalancer.engine.lots import Lot, Relief, Term, relieve, remaining
from rebalancer.engine.money import ZERO

Ledger = Mapping[str, tuple[Lot, ...]]
"""The lots of one account by symbol, each in a lasting order; a symbol without lots has no entry."""


class CannotApply(ValueError):
    """The ledger does not hold what an event needs."""


class CannotReverse(ValueError):
    """Lots that an event left have changed since: what changed them is to be taken back first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: the day it takes effect and where it is known from.

    :raises ValueError: without a source
    """

    symbol: str
    effective_on: date
    source: str

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError(f"An event on {self.symbol} must say where it is known from.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Event):
    """Split, reverse split or stock dividend. `cash_in_lieu` is what is paid for the fraction of the position, which
    then holds whole shares; None leaves the fraction in the account."""

    new_per_old: Fraction
    cash_in_lieu: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinOff(Event):
    """`parent_weight` of the basis stays with the symbol (Form 8937); the rest goes to the shares spun off."""

    spun_symbol: str
    spun_per_parent: Fraction
    parent_weight: Decimal
    cash_in_lieu: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merger(Event):
    """Each old share becomes `new_per_old` shares of another symbol and `cash_per_share` dollars.

    No new shares is a sale for cash. Shares alone carry basis and date over. With both, gain is recognised up to the
    cash, block by block, and a loss never (IRC 356 and 358): then `new_price` is the value of a new share.
    """

    new_symbol: str = ""
    new_per_old: Fraction = Fraction(0)
    cash_per_share: Decimal = ZERO
    new_price: Decimal = ZERO
    cash_in_lieu: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOfCapital(Event):
    """Dollars a share that reduce basis; what exceeds it is gain."""

    per_share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinvestment(Event):
    """A dividend that buys shares at a price; it is income all the same."""

    lot_id: str
    dividend: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChange(Event):
    new_symbol: str


@dataclass(frozen=True, slots=True)
class Realised:
    """A gain, or a loss below zero, that an event brings about: gain = proceeds - cost_basis."""

    lot_id: str
    proceeds: Decimal
    cost_basis: Decimal
    term: Term

    @property
    def gain(self) -> Decimal:
        return money.minus(self.proceeds, self.cost_basis)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an event did to the symbols it touched; `cash` came into the account, `income` is taxed as a dividend."""

    event: Event
    before: Ledger
    after: Ledger
    cash: Decimal = ZERO
    income: Decimal = ZERO
    realised: tuple[Realised, ...] = ()

    def reverse(self, ledger: Ledger) -> Ledger:
        """The ledger as it was, lot for lot.

        :raises CannotReverse: when the lots the event left are not those the ledger holds
        """
        for symbol, lots in self.after.items():
            if ledger.get(symbol, ()) != lots:
                raise CannotReverse(f"The lots of {symbol} have changed since {self.event.effective_on}.")
        return _with(ledger, self.before)


@dataclass(slots=True)
class _Work:
    """What is gathered while an event is applied: the lots it leaves by symbol, and what it pays."""

    after: dict[str, Sequence[Lot]]
    cash: Decimal = ZERO
    income: Decimal = ZERO
    realised: list[Realised] = field(default_factory=list)


def apply(event: Event, ledger: Ledger) -> tuple[Ledger, Applied]:
    """The ledger after an event, and the record by which it can be taken back.

    :raises CannotApply: when there are no lots of the symbol, or a name is taken
    :raises ValueError: when a lot would be left with nothing
    """
    lots = ledger.get(event.symbol, ())
    if not lots and not isinstance(event, Reinvestment):
        raise CannotApply(f"There are no lots of {event.symbol} for its event of {event.effective_on}.")
    work = _RULES[type(event)](event, lots, ledger)
    after = {symbol: tuple(left) for symbol, left in work.after.items()}
    before = {symbol: ledger.get(symbol, ()) for symbol in after}
    applied = Applied(
        event, MappingProxyType(before), MappingProxyType(after), work.cash, work.income, tuple(work.realised)
    )
    return _with(ledger, after), applied


def _with(ledger: Ledger, changed: Ledger) -> Ledger:
    whole = {**ledger, **changed}
    return {symbol: lots for symbol, lots in whole.items() if lots}


def _split(event: Split, lots: Sequence[Lot], _ledger: Ledger) -> _Work:
    work = _Work({})
    after = actions.split_lots(lots, event.new_per_old)
    work.after[event.symbol] = _whole_shares(work, event, after, event.cash_in_lieu)
    return work


def _spin_off(event: SpinOff, lots: Sequence[Lot], ledger: Ledger) -> _Work:
    shares = actions.split_lots(lots, event.spun_per_parent)
    pairs = [
        actions.spin_off(
            lot,
            spun_per_parent=event.spun_per_parent,
            parent_weight=event.parent_weight,
            spun_lot_id=f"{lot.lot_id}-{event.spun_symbol}",
        )
        for lot in lots
    ]
    work = _Work({event.symbol: [kept for kept, _ in pairs]})
    spun = [replace(lot, quantity=share.quantity) for (_, lot), share in zip(pairs, shares, strict=True)]
    left = _whole_shares(work, event, spun, event.cash_in_lieu)
    work.after[event.spun_symbol] = _joined(event, ledger, event.spun_symbol, left)
    return work


def _merger(event: Merger, lots: Sequence[Lot], ledger: Ledger) -> _Work:
    work = _Work({event.symbol: ()})
    cash = _shared(event.cash_per_share, lots)
    if not event.new_per_old:
        work.cash = money.total(cash)
        work.realised = [
            Realised(lot.lot_id, cash[lot.lot_id], lot.cost_basis, lot.term(event.effective_on)) for lot in lots
        ]
        return work
    if event.cash_per_share and not event.new_price > 0:
        raise CannotApply(f"A merger of {event.symbol} for shares and cash needs the value of a new share.")
    shares = actions.split_lots(lots, event.new_per_old)
    carried = [_exchanged(work, event, lot, share, cash[lot.lot_id]) for lot, share in zip(lots, shares, strict=True)]
    left = _whole_shares(work, event, carried, event.cash_in_lieu)
    work.after[event.new_symbol] = _joined(event, ledger, event.new_symbol, left)
    return work


def _exchanged(work: _Work, event: Merger, old: Lot, new: Lot, cash: Decimal) -> Lot:
    """The new lot with the basis of the old, less the cash that is not gain."""
    if not cash:
        return new
    value = money.cents(money.times(new.quantity, event.new_price))
    outcome = actions.merge(old_basis=old.cost_basis, stock_value=value, cash=cash)
    returned = money.minus(cash, outcome.recognised)
    work.cash += cash
    work.realised.append(Realised(old.lot_id, cash, returned, old.term(event.effective_on)))
    return replace(new, cost_basis=outcome.new_basis)


def _return_of_capital(event: ReturnOfCapital, lots: Sequence[Lot], _ledger: Ledger) -> _Work:
    work, left = _Work({}), []
    shares = _shared(event.per_share, lots)
    for lot in lots:
        paid = shares[lot.lot_id]
        returned = min(paid, lot.cost_basis)
        left.append(replace(lot, cost_basis=money.minus(lot.cost_basis, returned)))
        work.cash += paid
        if paid > returned:
            work.realised.append(Realised(lot.lot_id, paid, returned, lot.term(event.effective_on)))
    work.after[event.symbol] = left
    return work


def _reinvestment(event: Reinvestment, _lots: Sequence[Lot], ledger: Ledger) -> _Work:
    lot = actions.reinvest(lot_id=event.lot_id, dividend=event.dividend, price=event.price, on=event.effective_on)
    return _Work({event.symbol: _joined(event, ledger, event.symbol, [lot])}, income=event.dividend)


def _symbol_change(event: SymbolChange, lots: Sequence[Lot], ledger: Ledger) -> _Work:
    return _Work({event.symbol: (), event.new_symbol: _joined(event, ledger, event.new_symbol, lots)})


_RULES: Mapping[type[Event], Callable[[Any, Sequence[Lot], Ledger], _Work]] = {
    Split: _split,
    SpinOff: _spin_off,
    Merger: _merger,
    ReturnOfCapital: _return_of_capital,
    Reinvestment: _reinvestment,
    SymbolChange: _symbol_change,
}


def _shared(per_share: Decimal, lots: Sequence[Lot]) -> dict[str, Decimal]:
    """What is paid on all shares, to the cent, by lot."""
    quantities = {lot.lot_id: lot.quantity for lot in lots}
    return money.split(money.cents(money.times(money.total(quantities), per_share)), quantities)


def _whole_shares(work: _Work, event: Event, lots: Sequence[Lot], cash: Decimal | None) -> Sequence[Lot]:
    """The lots less the fraction of a share that was paid in cash, if one was."""
    if cash is None:
        return lots
    held = money.total([lot.quantity for lot in lots])
    fraction = held % 1
    if not fraction:
        raise CannotApply(f"Cash was paid for a fraction of a share, but {event.symbol} leaves {held} shares.")
    picks = relieve(lots, quantity=fraction, price=ZERO, sold_on=event.effective_on, by=Relief.FIFO)
    proceeds = money.split(cash, {pick.lot_id: pick.quantity for pick in picks})
    work.cash += cash
    work.realised += [Realised(pick.lot_id, proceeds[pick.lot_id], pick.cost_basis, pick.term) for pick in picks]
    return remaining(lots, picks)


def _joined(event: Event, ledger: Ledger, symbol: str, lots: Sequence[Lot]) -> list[Lot]:
    """Lots beside those that are there already.

    :raises CannotApply: when one has the name of another, or the symbol is empty
    """
    if not symbol:
        raise CannotApply(f"The event of {event.effective_on} on {event.symbol} names no symbol for its new shares.")
    there = ledger.get(symbol, ())
    names = {lot.lot_id for lot in there}
    if any(lot.lot_id in names for lot in lots):
        raise CannotApply(f"The event of {event.effective_on} on {event.symbol} repeats a lot that {symbol} has.")
    return [*there, *lots]
