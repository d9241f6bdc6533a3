"""Households whose accounts follow one target together: each of them as one account of a book of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book import NONE, Accounts, Block, Book, LotTable, Positions, TaxStatus, WashFacts
from rebalancer.engine.book_tables import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class JointBook:
    """Joint households, one account each, that hold what their accounts hold together."""

    book: Book
    owner: Ints
    """By account of the book it was made from, the account of `book` that it belongs to, or NONE."""


def joint_accounts(book: Book) -> Bools:
    """Accounts that follow one target together with others: all of the household want that, and have the same model."""
    wants = np.array([policy.joint for policy in book.policies], dtype=bool)[book.accounts.policy]
    if not wants.any():
        return np.zeros(len(book), dtype=bool)
    household, model = book.accounts.household, book.accounts.model
    first = np.full(book.households, NONE, dtype=np.int64)
    first[household[::-1]] = model[::-1]
    agrees = wants & (model != NONE) & (model == first[household])
    members, agreeing = (np.bincount(household, of, book.households) for of in (np.ones(len(book)), agrees))
    together: Bools = ((members == agreeing) & (members > 1))[household]
    return together


def join(book: Book) -> JointBook | None:
    """The book of the joint households; None where there is none.

    Reserves, withdrawals and cash are sums. The household's policy is that of its first account, and its bands are
    those of a taxed account if one of its accounts is taxed.
    """
    together = joint_accounts(book)
    if not together.any():
        return None
    accounts = np.flatnonzero(together)
    names, first, place = np.unique(book.accounts.household[accounts], return_index=True, return_inverse=True)
    owner = np.full(len(book), NONE, dtype=np.int64)
    owner[accounts] = place
    positions, lots = _holdings(book, owner, len(names))
    joint = Book(
        as_of=book.as_of,
        asset_classes=book.asset_classes,
        wash_groups=book.wash_groups,
        households=book.households,
        securities=book.securities,
        models=book.models,
        policies=book.policies,
        accounts=_accounts(book, accounts, accounts[first], place),
        positions=positions,
        lots=lots,
        wash=_no_wash(),
        risk=book.risk,
        alternates=book.alternates,
    )
    return JointBook(joint, owner)


def _accounts(book: Book, accounts: Ints, first: Ints, place: Ints) -> Accounts:
    table, count = book.accounts, len(first)

    def summed(column: Ints) -> Ints:
        total = np.zeros(count, dtype=np.int64)
        np.add.at(total, place, column[accounts])
        return total

    taxed = np.zeros(count, dtype=bool)
    taxed[place[table.tax_status[accounts] == TaxStatus.TAXABLE]] = True
    return Accounts(
        account_id=tuple(f"household of {table.account_id[account]}" for account in first.tolist()),
        household=table.household[first],
        tax_status=np.where(taxed, int(TaxStatus.TAXABLE), table.tax_status[first]),
        cash_settled=summed(table.cash_settled),
        cash_unsettled=summed(table.cash_unsettled),
        cash_reserve=summed(table.cash_reserve),
        reserve_threshold=summed(table.reserve_threshold),
        withdrawals_due=summed(table.withdrawals_due),
        contributions=summed(table.contributions),
        model=table.model[first],
        policy=table.policy[first],
        block=np.full(count, int(Block.NONE), dtype=np.int64),
        last_rebalanced_on=table.last_rebalanced_on[first],
        model_changed_on=table.model_changed_on[first],
    )


def _holdings(book: Book, owner: Ints, count: int) -> tuple[Positions, LotTable]:
    """What each household holds of a security in one row, with all its lots."""
    table, securities = book.positions, len(book.securities.symbol)
    of_account = owner[book.account_of_position()]
    rows = np.flatnonzero(of_account != NONE)
    keys, place = np.unique(of_account[rows] * securities + table.security[rows], return_inverse=True)
    row_owner = keys // securities

    def summed(column: Ints | Bools) -> Floats:
        return np.bincount(place, column[rows], len(keys)).astype(np.float64)

    quantity = np.zeros(len(keys), dtype=np.int64)
    np.add.at(quantity, place, table.quantity[rows])
    nothing = np.zeros(len(keys), dtype=bool)
    positions = Positions(
        offsets=np.searchsorted(row_owner, np.arange(count + 1)).astype(np.int64),
        security=keys % securities,
        quantity=np.maximum(quantity, 0),
        no_buy=nothing,
        no_sell=nothing.copy(),
        hold=nothing.copy(),
        basis_known=summed(table.basis_known) == np.bincount(place, minlength=len(keys)),
        lots_missing=summed(table.lots_missing) > 0,
    )
    of_position = np.full(len(table.security), NONE, dtype=np.int64)
    of_position[rows] = place
    return positions, _lots(book, of_position, len(keys))


def _lots(book: Book, place: Ints, count: int) -> LotTable:
    lots = book.lots
    owner = np.repeat(place, np.diff(lots.offsets))
    chosen = np.flatnonzero(owner != NONE)
    order = chosen[np.argsort(owner[chosen], kind="stable")]
    return LotTable(
        offsets=np.searchsorted(owner[order], np.arange(count + 1)).astype(np.int64),
        lot_id=tuple(lots.lot_id[lot] for lot in order.tolist()),
        acquired_on=lots.acquired_on[order],
        quantity=lots.quantity[order],
        cost_basis=lots.cost_basis[order],
        inherited=lots.inherited[order],
    )


def _no_wash() -> WashFacts:
    nothing = np.zeros(0, dtype=np.int64)
    never = np.zeros(0, dtype="datetime64[D]")
    return WashFacts(
        household=nothing,
        wash_group=nothing.copy(),
        sold_at_loss_on=never,
        bought_on=never.copy(),
        held_outside=nothing.copy(),
    )
