"""Re-foots decisions against the book in exact arithmetic: what must be true of anything that may be stored.

Nothing of the optimiser's own working is used here: quantities, lots, cash, costs and targets are read from the book
again. A decision with a breach is a defect of the engine, never a row in a database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from rebalancer.engine import lots, money
from rebalancer.engine.book import NONE, Block, Book, TaxStatus
from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.breaches import Breach, BreachCode, breach
from rebalancer.engine.budget_checks import over_budget
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.fees import Side, regulatory_fees
from rebalancer.engine.hold_ranges import by_holding
from rebalancer.engine.joint_checks import astray
from rebalancer.engine.lot_checks import wrong_lots
from rebalancer.engine.lots import Lot, Term
from rebalancer.engine.optimiser.decision import Decision, Trade
from rebalancer.engine.policy import Policy
from rebalancer.engine.range_checks import out_of_range
from rebalancer.engine.triggers import Mode
from rebalancer.engine.volume_checks import over_volume
from rebalancer.engine.wash_window import WashWindow

__all__ = ["Breach", "BreachCode", "Checker", "check"]

CENT = Decimal("0.01")
ROUNDING = 2 * 10**10
"""Twice a cent, in millionths of a micro-dollar: targets are weights of the fast world and not exact to the micro."""


def check(book: Book, decision: Decision) -> list[Breach]:
    """All that is wrong with one decision, looked at alone; empty when it may be stored."""
    return Checker(book).check(decision)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a trade stands in the book."""

    account: int
    security: int
    position: int
    policy: Policy
    value: int
    target: float
    quantity: int
    lots: Mapping[str, Lot]
    rows: Mapping[str, int]
    """Row of `Book.lots` by lot id; of sales only, as `lots`."""


class Checker:
    """Checks many decisions of one book."""

    def __init__(self, book: Book, drift: Drift | None = None) -> None:
        self.book = book
        self.drift = drift or measure(book)
        self.accounts = {account_id: place for place, account_id in enumerate(book.accounts.account_id)}
        self.securities = {symbol: place for place, symbol in enumerate(book.securities.symbol)}
        self.window = WashWindow(book)
        self.ranges = by_holding(book.ranges) if book.ranges else {}
        self.tradable = book.securities.tradable & book.securities.priced & ~book.securities.is_cash

    def check_all(self, decisions: Sequence[Decision]) -> dict[str, list[Breach]]:
        """Breaches by account id, those between the accounts of a household included; sound ones are left out."""
        found = {decision.account_id: self.check(decision) for decision in decisions}
        by_account = [(self.accounts[decision.account_id], decision) for decision in decisions]
        for account_id, symbol in self.window.bought_against_a_loss(by_account, self.securities):
            sentence = "is bought while the household sells it, or its equivalent, at a loss"
            found[account_id].append(breach(BreachCode.BANNED_BUY, symbol, sentence))
        raising = [account for account, _ in by_account if self._missing_cash(account) > 0]
        for over in over_budget(self.book, by_account, raising):
            found[over.account_id].append(breach(BreachCode.BUDGET, over.account_id, over.sentence))
        for account_id, symbol in over_volume(self.book, by_account):
            found[account_id].append(breach(BreachCode.VOLUME_CAP, symbol, "is traded beyond the volume of a day"))
        for trade in astray(self.book, self.drift, by_account, self._room):
            code = BreachCode.CROSSES_TARGET if trade.crosses else BreachCode.AWAY_FROM_TARGET
            which = "past" if trade.crosses else "away from"
            found[trade.account_id].append(breach(code, trade.symbol, f"is traded {which} its household's target"))
        return {account_id: breaches for account_id, breaches in found.items() if breaches}

    def check(self, decision: Decision) -> list[Breach]:
        """All that is wrong with one decision, looked at alone.

        :raises KeyError: for an account or symbol that is not in the book
        """
        account = self.accounts[decision.account_id]
        found = list(self._cash(account, decision))
        if decision.trades and not self._is_open(account):
            found.append(breach(BreachCode.NOT_ALLOWED, decision.account_id, "is blocked or follows no model"))
        symbols = [trade.symbol for trade in decision.trades]
        found += [
            breach(BreachCode.TWICE, symbol, "is traded twice")
            for symbol in sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
        ]
        placed = [(trade, self._place(account, trade)) for trade in decision.trades]
        for trade, place in placed:
            found += self._size(trade, place, decision.mode)
            found += self._permission(trade, place)
            found += [] if self.is_joint(account) else self._direction(trade, place, decision.mode)
            found += out_of_range(self.book, self.ranges, trade, (account, place.security), place.quantity, place.value)
            if trade.side is Side.SELL:
                found += wrong_lots(trade, place.quantity, place.lots, self.book.as_of)
        found += self._wash(account, placed)
        found += self._totals(account, decision)
        return found

    def is_joint(self, account: int) -> bool:
        """Does the account follow one target together with others? Its direction is then the household's."""
        joint = self.drift.joint
        return joint is not None and bool(joint.owner[account] != NONE)

    def _is_open(self, account: int) -> bool:
        accounts = self.book.accounts
        return bool(accounts.block[account] == Block.NONE and accounts.model[account] != NONE)

    def _place(self, account: int, trade: Trade) -> _Place:
        book, security = self.book, self.securities[trade.symbol]
        start, end = int(book.positions.offsets[account]), int(book.positions.offsets[account + 1])
        at = np.flatnonzero(book.positions.security[start:end] == security)
        position = start + int(at[0]) if len(at) else NONE
        rows = self.drift.rows
        rows_of_lots = self._lot_rows(position) if trade.side is Side.SELL and position != NONE else {}
        first, last = int(rows.offsets[account]), int(rows.offsets[account + 1])
        row = first + np.flatnonzero(rows.security[first:last] == security)
        return _Place(
            account=account,
            security=security,
            position=position,
            policy=book.policies[book.accounts.policy[account]],
            value=int(self.drift.value[account]),
            target=float(rows.target[row[0]]) if len(row) else 0.0,
            quantity=int(book.positions.quantity[position]) if position != NONE else 0,
            lots={lot_id: self._lot(row) for lot_id, row in rows_of_lots.items()},
            rows=rows_of_lots,
        )

    def _lot_rows(self, position: int) -> dict[str, int]:
        table = self.book.lots
        return {table.lot_id[row]: row for row in range(int(table.offsets[position]), int(table.offsets[position + 1]))}

    def _lot(self, row: int) -> Lot:
        table = self.book.lots
        return Lot(
            table.lot_id[row],
            table.acquired_on[row].item(),
            money.from_micros(int(table.quantity[row])),
            money.from_micros(int(table.cost_basis[row])),
            bool(table.inherited[row]),
        )

    def _cash(self, account: int, decision: Decision) -> Iterator[Breach]:
        accounts, where = self.book.accounts, decision.account_id
        flows = [_signed(trade) for trade in decision.trades]
        before = money.from_micros(int(self.drift.cash[account]))
        if before != decision.cash_before or money.total([before, *flows]) != decision.cash_after:
            yield breach(BreachCode.CASH_DOES_NOT_CLOSE, where, f"does not come to {decision.cash_after} in cash")
        if not any(trade.side is Side.BUY for trade in decision.trades):
            return
        kept = money.from_micros(int(accounts.cash_reserve[account]) + int(accounts.withdrawals_due[account]))
        if decision.cash_after < 0:
            yield breach(BreachCode.NEGATIVE_CASH, where, f"would buy down to {decision.cash_after} in cash")
        elif decision.cash_after < kept:
            yield breach(BreachCode.RESERVE_SPENT, where, f"would buy into the {kept} that is to be kept")

    def _size(self, trade: Trade, place: _Place, mode: str) -> Iterator[Breach]:
        securities, policy = self.book.securities, place.policy
        price = money.from_micros(int(securities.price[place.security]))
        exact = money.times(trade.quantity, price)
        if trade.quantity <= 0 or trade.price != price:
            yield breach(BreachCode.PRICE, trade.symbol, f"is {trade.quantity} at {trade.price}, priced {price}")
        if trade.amount != money.cents(exact):
            yield breach(BreachCode.AMOUNT, trade.symbol, f"comes to {exact}, not to {trade.amount}")
        if trade.cost != self._cost(trade, place):
            yield breach(BreachCode.COST, trade.symbol, f"costs {self._cost(trade, place)}, not {trade.cost}")
        smallest = self._smallest(place)
        if exact < smallest - CENT / 100 and mode != Mode.LIQUIDATE:
            yield breach(BreachCode.BELOW_MINIMUM, trade.symbol, f"is a trade of {exact}, below {smallest}")
        fraction = bool(securities.fractional[place.security]) and not policy.whole_shares
        closes = trade.side is Side.SELL and money.to_micros(trade.quantity) == place.quantity
        if not fraction and not closes and trade.quantity % int(securities.lot_size[place.security]):
            yield breach(BreachCode.FRACTIONAL, trade.symbol, f"is traded in parts of a share: {trade.quantity}")
        adv = int(securities.adv_shares[place.security])
        if adv != NONE and trade.quantity > policy.adv_cap * adv:
            yield breach(BreachCode.VOLUME_CAP, trade.symbol, f"is {trade.quantity} of {adv} shares a day")

    def _cost(self, trade: Trade, place: _Place) -> Decimal:
        securities = self.book.securities
        spread = int(securities.ask[place.security]) - int(securities.bid[place.security])
        half = money.from_micros((spread + 1) // 2)
        fees = regulatory_fees(
            side=trade.side, quantity=trade.quantity, price=trade.price, trade_on=self.book.as_of
        ).charged
        to_micro = -(-int(money.times(trade.quantity, half) * MICRO * MICRO) // MICRO)
        return money.cents_up(money.from_micros(to_micro) + place.policy.commission + fees)

    def _permission(self, trade: Trade, place: _Place) -> Iterator[Breach]:
        securities, positions, at = self.book.securities, self.book.positions, place.position
        stale = securities.price_age_sessions[place.security] > place.policy.price_max_age_sessions
        held = at != NONE and positions.hold[at]
        if not self.tradable[place.security] or stale or held:
            yield breach(BreachCode.NOT_TRADABLE, trade.symbol, "may not be traded now")
        if at == NONE:
            return
        if trade.side is Side.BUY and positions.no_buy[at]:
            yield breach(BreachCode.BANNED_BUY, trade.symbol, "may not be bought: a restriction")
        unsure = not positions.basis_known[at] or positions.lots_missing[at]
        if trade.side is Side.SELL and (positions.no_sell[at] or unsure):
            yield breach(BreachCode.BANNED_SALE, trade.symbol, "may not be sold: a restriction, or lots are missing")

    def _direction(self, trade: Trade, place: _Place, mode: str) -> Iterator[Breach]:
        """Towards the target, past it by half a step or half a smallest trade; sales for cash or of losses are free."""
        over = self._past(trade, place, mode)
        if over is None:
            return
        sign = 1 if trade.side is Side.BUY else -1
        price, quantity = int(self.book.securities.price[place.security]), money.to_micros(trade.quantity)
        target = round(place.target * place.value) * MICRO  # all three in millionths of a micro-dollar
        before = place.quantity * price
        after = before + sign * quantity * price
        if sign * (target - before) <= 0:
            yield breach(BreachCode.AWAY_FROM_TARGET, trade.symbol, "is traded away from its target")
        elif 2 * sign * (after - target) > over + ROUNDING:
            yield breach(BreachCode.CROSSES_TARGET, trade.symbol, "is traded past its target")

    def _past(self, trade: Trade, place: _Place, mode: str) -> int | None:
        """Twice what a trade may end past its target, in millionths of a micro-dollar; None where it is free."""
        closing = mode == Mode.LIQUIDATE or self._missing_cash(place.account) > 0
        if trade.side is Side.SELL and (closing or self._harvests(trade, place, mode)):
            return None
        fraction = bool(self.book.securities.fractional[place.security]) and not place.policy.whole_shares
        step = 1 if fraction else int(self.book.securities.lot_size[place.security]) * MICRO
        return max(step * int(self.book.securities.price[place.security]), int(self._smallest(place) * MICRO) * MICRO)

    def _room(self, account: int, decision: Decision, trade: Trade) -> int | None:
        return self._past(trade, self._place(account, trade), decision.mode)

    def _harvests(self, trade: Trade, place: _Place, mode: str) -> bool:
        """Losses may be sold past the target where the policy harvests them; then nothing else is."""
        taxable = self.book.accounts.tax_status[place.account] == TaxStatus.TAXABLE
        allowed = place.policy.harvest or mode == Mode.HARVEST
        return bool(taxable and allowed and all(pick.gain < 0 for pick in trade.lots))

    def _smallest(self, place: _Place) -> Decimal:
        return max(
            place.policy.minimum_trade_amount, place.policy.minimum_trade_weight * money.from_micros(place.value)
        )

    def _missing_cash(self, account: int) -> int:
        accounts = self.book.accounts
        free = int(self.drift.cash[account]) - int(accounts.withdrawals_due[account])
        floor = max(int(accounts.cash_reserve[account]) - int(accounts.reserve_threshold[account]), 0)
        return int(accounts.cash_reserve[account]) - free if free < floor else 0

    def _wash(self, account: int, placed: Sequence[tuple[Trade, _Place]]) -> Iterator[Breach]:
        """Nothing bought that the household sold at a loss, no loss while a purchase within the window is kept."""
        household = int(self.book.accounts.household[account])
        sold = {
            place.rows[pick.lot_id]: pick.quantity
            for trade, place in placed
            for pick in trade.lots
            if pick.lot_id in place.rows
        }
        for trade, place in placed:
            key = (household, int(self.book.securities.wash_group[place.security]))
            if trade.side is Side.BUY and key in self.window.sold_at_loss:
                yield breach(BreachCode.BANNED_BUY, trade.symbol, "was sold at a loss in the household within 30 days")
            if self.window.takes_loss(account, trade) and self.window.would_wash(key, sold):
                yield breach(BreachCode.WASHED_LOSS, trade.symbol, "is sold at a loss that a purchase would wash")

    def _totals(self, account: int, decision: Decision) -> Iterator[Breach]:
        taxed = self.book.accounts.tax_status[account] == TaxStatus.TAXABLE
        picks = [pick for trade in decision.trades for pick in trade.lots] if taxed else []
        policy = self.book.policies[self.book.accounts.policy[account]]
        wanted = (
            money.cents(lots.gain(picks, Term.SHORT)),
            money.cents(lots.gain(picks, Term.LONG)),
            money.cents(lots.tax(picks, policy.rates)),
            money.total([trade.cost for trade in decision.trades]),
        )
        if wanted != (decision.gain_short, decision.gain_long, decision.tax, decision.cost):
            yield breach(BreachCode.TOTALS, decision.account_id, "has gains, tax or costs that do not foot")


def _signed(trade: Trade) -> Decimal:
    return (trade.amount if trade.side is Side.SELL else -trade.amount) - trade.cost
