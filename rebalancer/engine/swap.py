"""One security replaced by another in every account that holds it, and nothing else touched.

A swap is a book of its own: every account's target is what it holds now, with the weight of the one security given to
the other, and everything else is held. So it obeys all that any decision obeys, and `checks` can look at it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import numpy as np

from rebalancer.engine.book import NONE, Accounts, Book, Models, TaxStatus
from rebalancer.engine.book_tables import MICRO, NO_BUDGET, WASH_WINDOW_DAYS, Bools, Floats, HouseholdTaxes, Ints
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.fees import Side
from rebalancer.engine.hold_ranges import NO_END, HoldRanges, RangeUnit
from rebalancer.engine.lots import Relief
from rebalancer.engine.money import ZERO, to_micros
from rebalancer.engine.optimiser import Decision, Distance, solve
from rebalancer.engine.policy import ONE, Policy, RebalanceTo, ShortGainRule
from rebalancer.engine.wash_window import WashWindow

A_YEAR_OF_DAYS = 366


class BadSwap(ValueError):
    """A swap that cannot be asked for; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRule:
    """What may be sold for a swap."""

    only_losses: bool = False
    only_long_term: bool = False
    """Short-term losses may go as well, short-term gains not."""
    gain_cap: Decimal | None = None
    """Net gain that a household may realise, dollars; None: no more than its own budget says."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Swap:
    """What a swap comes to."""

    book: Book
    """The book that was decided: its targets are those of the swap."""
    decisions: tuple[Decision, ...]
    """Of accounts that trade, in the order of the book."""
    left: tuple[str, ...]
    """Ids of accounts that hold the security, but do not trade."""

    def amount(self, side: Side) -> Decimal:
        """Dollars bought or sold."""
        every = (trade.amount for one in self.decisions for trade in one.trades if trade.side is side)
        return sum(every, ZERO)


def swap(book: Book, sold: str, bought: str, rule: SwapRule | None = None, *, drift: Drift | None = None) -> Swap:
    """Decide a swap for all accounts that hold a security, follow a model, and are short of no cash.

    :raises BadSwap: for a symbol that is not in the book, or no two
    """
    concerned = swap_book(book, sold, bought, rule or SwapRule(), drift=drift)
    accounts = np.flatnonzero(concerned.accounts.model != NONE)
    decided = list(solve(concerned, accounts, distance=Distance.WEIGHTS))
    trading = tuple(one for one in decided if one.trades)
    names = {one.account_id for one in trading}
    holding = _holding(book, book.securities.symbol.index(sold))
    left = (book.accounts.account_id[account] for account in np.flatnonzero(holding).tolist())
    return Swap(book=concerned, decisions=trading, left=tuple(name for name in left if name not in names))


def swap_book(book: Book, sold: str, bought: str, rule: SwapRule, *, drift: Drift | None = None) -> Book:
    """The book whose targets are what is held, with the weight of one security given to another.

    Accounts that are not concerned follow no model in it.

    :raises BadSwap: for a symbol that is not in the book, or no two
    """
    out, into = (_place(book, symbol) for symbol in (sold, bought))
    if out == into:
        raise BadSwap(f"{sold} cannot be swapped for itself.")
    drift = drift or measure(book)
    free = drift.cash - book.accounts.withdrawals_due
    floor = np.maximum(book.accounts.cash_reserve - book.accounts.reserve_threshold, 0)
    concerned = _holding(book, out) & (book.accounts.model != NONE) & drift.measured & (free >= floor)
    positions, other = book.positions, ~np.isin(book.positions.security, (out, into))
    return replace(
        book,
        policies=tuple(_policy(policy, rule) for policy in book.policies),
        models=_targets(book, drift, np.flatnonzero(concerned), out, into),
        accounts=_followers(book.accounts, concerned, free),
        positions=replace(
            positions,
            hold=positions.hold | other,
            no_sell=positions.no_sell | _losses_barred(book, out, into) if rule.only_losses else positions.no_sell,
        ),
        taxes=book.taxes if rule.gain_cap is None else _capped(book, rule.gain_cap),
        ranges=_with_losses_only(book, out) if rule.only_losses else book.ranges,
        alternates=None,
    )


def _place(book: Book, symbol: str) -> int:
    if symbol not in book.securities.symbol:
        raise BadSwap(f"There is no {symbol} in the book.")
    place = book.securities.symbol.index(symbol)
    if book.securities.is_cash[place]:
        raise BadSwap(f"{symbol} is cash.")
    return place


def _holding(book: Book, security: int) -> Bools:
    held = (book.positions.security == security) & (book.positions.quantity > 0)
    flags = np.zeros(len(book), dtype=bool)
    flags[book.account_of_position()[held]] = True
    return flags


def _policy(policy: Policy, rule: SwapRule) -> Policy:
    """As close to the swap as may be, whatever tax that costs; lots that save tax go first."""
    changes = {"short_gain_rule": ShortGainRule.HARD, "short_gain_days": A_YEAR_OF_DAYS} if rule.only_long_term else {}
    return replace(
        policy,
        rebalance_to=RebalanceTo.TARGET,
        scenario_slider=ONE,
        minimum_trades_weight=ZERO,
        harvest=False,
        relief=Relief.LEAST_TAX if rule.only_losses else policy.relief,
        **changes,  # type: ignore[arg-type]
    )


def _followers(accounts: Accounts, concerned: Bools, free: Ints) -> Accounts:
    """Each account concerned follows a model of its own; the reserve is no more than the cash that is there."""
    model = np.full(len(concerned), NONE, dtype=np.int64)
    model[concerned] = np.arange(int(concerned.sum()))
    reserve = np.minimum(accounts.cash_reserve, np.maximum(free, 0))
    return replace(
        accounts,
        model=model,
        cash_reserve=reserve,
        reserve_threshold=np.minimum(accounts.reserve_threshold, reserve),
    )


def _targets(book: Book, drift: Drift, accounts: Ints, out: int, into: int) -> Models:
    """One model an account: its weights as they are, but for the two securities."""
    names, cash, securities, weights = [], [], [], []
    for account in accounts.tolist():
        held = _weights(drift, account)
        held[into] = held.get(into, 0.0) + held.pop(out)
        names.append(book.accounts.account_id[account])
        securities.append(list(held))
        weights.append(list(held.values()))
        cash.append(max(1.0 - sum(held.values()), 0.0))
    flat: Floats = np.array([weight for row in weights for weight in row], dtype=np.float64)
    return Models(
        model_id=tuple(names),
        cash_weight=np.array(cash, dtype=np.float64),
        offsets=np.array([0, *np.cumsum([len(row) for row in securities])], dtype=np.int64),
        security=np.array([security for row in securities for security in row], dtype=np.int64),
        weight=flat,
        node=np.full(len(flat), NONE, dtype=np.int64),
        node_names=((),) * len(names),
    )


def _weights(drift: Drift, account: int) -> dict[int, float]:
    """Weights of what an account holds, by security."""
    rows = drift.rows
    here = range(int(rows.offsets[account]), int(rows.offsets[account + 1]))
    return {int(rows.security[row]): float(rows.weight[row]) for row in here if rows.weight[row] > 0}


def _capped(book: Book, cap: Decimal) -> HouseholdTaxes:
    """Budgets of gains, none above the cap."""
    most = to_micros(cap)
    taxes = book.taxes or _no_taxes(book)
    budget = np.where(taxes.gain_budget == NO_BUDGET, most, np.minimum(taxes.gain_budget, most))
    year = np.where(taxes.gain_budget_year == NO_BUDGET, most, taxes.gain_budget_year)
    return replace(taxes, gain_budget=budget.astype(np.int64), gain_budget_year=year.astype(np.int64))


def _no_taxes(book: Book) -> HouseholdTaxes:
    none = np.full(book.households, NO_BUDGET)
    return HouseholdTaxes(
        gain_budget=none,
        gain_budget_year=none,
        tax_budget=none,
        tax_budget_year=none,
        short_so_far=np.zeros(book.households, dtype=np.int64),
        long_so_far=np.zeros(book.households, dtype=np.int64),
        netting=np.zeros(book.households, dtype=bool),
        ordinary_rate=np.zeros(book.households),
        carried_worth=np.zeros(book.households),
        loss_limit=np.zeros(book.households, dtype=np.int64),
    )


def _at_a_loss(book: Book) -> Bools:
    """Lots that cost more than they are worth."""
    security = book.positions.security[_position_of_lots(book)]
    loss: Bools = book.lots.cost_basis > book.lots.quantity * (book.securities.price[security] / MICRO) + 0.5
    return loss


def _position_of_lots(book: Book) -> Ints:
    return np.repeat(np.arange(len(book.positions.security)), np.diff(book.lots.offsets))


def _losses_barred(book: Book, out: int, into: int) -> Bools:
    """Positions of which no loss would count, or a gain would have to go first.

    A loss counts only once what was bought lately is sold, not while the household keeps such a purchase elsewhere, and
    not where what is bought instead is substantially identical.
    """
    since = np.datetime64(book.as_of - timedelta(days=WASH_WINDOW_DAYS))
    flags = np.zeros(len(book.positions.security), dtype=bool)
    flags[_position_of_lots(book)[(book.lots.acquired_on >= since) & ~_at_a_loss(book)]] = True
    account, groups = book.account_of_position(), book.securities.wash_group
    taxed: Bools = book.accounts.tax_status[account] == TaxStatus.TAXABLE
    if groups[out] != groups[into]:
        taxed &= _bought_elsewhere(book, account, groups[book.positions.security])
    return np.logical_or(flags, taxed)


def _bought_elsewhere(book: Book, account: Ints, group: Ints) -> Bools:
    """Positions of whose wash group the household bought lately outside their account.

    :param account, group: by position
    """
    window, of_lot = WashWindow(book), _position_of_lots(book)
    keys = list(zip(book.accounts.household[account].tolist(), group.tolist(), strict=True))
    buyers = {key: set(account[of_lot[lots]].tolist()) for key, lots in window.recent.items()}
    flags: Bools = np.array(
        [
            key in window.bought or bool(buyers.get(key, set()) - {one})
            for key, one in zip(keys, account.tolist(), strict=True)
        ],
        dtype=bool,
    )
    return flags


def _with_losses_only(book: Book, security: int) -> HoldRanges:
    """The book's ranges, and of the security all shares are kept whose lots are not at a loss."""
    lots = book.lots
    counted = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.where(_at_a_loss(book), lots.quantity, 0))])
    of = np.flatnonzero((book.positions.security == security) & (book.positions.quantity > 0))
    losing = counted[lots.offsets[of + 1]] - counted[lots.offsets[of]]
    kept = np.maximum(book.positions.quantity[of] - losing, 0)
    account, count = book.account_of_position()[of], len(of)
    old = book.ranges
    new = (account, np.full(count, security), np.full(count, RangeUnit.SHARES), kept, np.full(count, NO_END))
    before = (old.account, old.security, old.unit, old.lowest, old.highest) if old else tuple(one[:0] for one in new)
    columns = [np.concatenate(both).astype(np.int64) for both in zip(before, new, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    names = ("account", "security", "unit", "lowest", "highest")
    return HoldRanges(**{name: column[order] for name, column in zip(names, columns, strict=True)})
