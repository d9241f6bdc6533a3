"""A book from rows: for portable files, tests, and whatever else is small enough to be spelled out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np

from rebalancer.engine.book import (
    NONE,
    Accounts,
    BadBook,
    Block,
    Book,
    Kind,
    LotTable,
    Models,
    Positions,
    RiskModel,
    Securities,
    TaxStatus,
    WashFacts,
)
from rebalancer.engine.book_tables import Dates, Ints
from rebalancer.engine.hold_ranges import RangeRow
from rebalancer.engine.money import ZERO, to_micros
from rebalancer.engine.option_rows import alternate_table, range_table
from rebalancer.engine.policy import Policy
from rebalancer.engine.tax_rows import TaxRow, household_taxes


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRow:
    """A security; dollars a share. Its class is its symbol, and it is alone in its wash group, unless named."""

    symbol: str
    price: Decimal | None
    bid: Decimal | None = None
    ask: Decimal | None = None
    adv_shares: int | None = None
    price_age_sessions: int = 0
    asset_class: str = ""
    wash_group: str = ""
    kind: Kind = Kind.ETF
    fractional: bool = False
    lot_size: int = 1
    tradable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """Weights by symbol, fractions; `nodes` names the part of the model a symbol came from.

    `alternates` are symbols by rank, each with those that stand in its place: those of one rank are equally good.
    """

    model_id: str
    weights: Mapping[str, Decimal]
    cash_weight: Decimal = ZERO
    nodes: Mapping[str, str] = field(default_factory=dict)
    alternates: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)

    def with_alternates(self) -> ModelRow:
        """The row in which every alternate is an entry, of weight 0 unless it has its own."""
        named = [symbol for ranks in self.alternates.values() for rank in ranks for symbol in rank]
        return replace(self, weights={**dict.fromkeys(named, ZERO), **self.weights}) if named else self


@dataclass(frozen=True, slots=True)
class LotRow:
    """A tax lot; the basis is of the whole lot, None where it is not known."""

    lot_id: str
    acquired_on: date
    quantity: Decimal
    cost_basis: Decimal | None
    inherited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """Shares of one security in one account. Lots that add up to less are taken for missing."""

    symbol: str
    quantity: Decimal
    lots: tuple[LotRow, ...] = ()
    no_buy: bool = False
    no_sell: bool = False
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account; dollars. Without a household it is a household of its own."""

    account_id: str
    positions: tuple[PositionRow, ...] = ()
    cash: Decimal = ZERO
    cash_unsettled: Decimal = ZERO
    cash_reserve: Decimal = ZERO
    reserve_threshold: Decimal = ZERO
    withdrawals_due: Decimal = ZERO
    contributions: Decimal = ZERO
    household: str = ""
    tax_status: TaxStatus = TaxStatus.TAXABLE
    model_id: str | None = None
    policy: Policy = field(default_factory=Policy)
    block: Block = Block.NONE
    last_rebalanced_on: date | None = None
    model_changed_on: date | None = None
    ranges: tuple[RangeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WashRow:
    """What a household did in a wash group, as in `book_tables.WashFacts`. A household without accounts is refused."""

    household: str
    wash_group: str
    sold_at_loss_on: date | None = None
    bought_on: date | None = None
    held_outside: Decimal = ZERO


def from_rows(
    *,
    as_of: date,
    securities: Sequence[SecurityRow],
    models: Sequence[ModelRow] = (),
    accounts: Sequence[AccountRow] = (),
    wash: Sequence[WashRow] = (),
    risk: RiskModel | None = None,
    taxes: Sequence[TaxRow] = (),
) -> Book:
    """The book of these rows, in their order.

    :param risk: one row a security, in their order
    :param taxes: households without a row have no budget; where there is no row at all, the book has no taxes
    :raises BadBook: when a row names a security, model, group or household that is not there, or `Book` refuses it
    :raises rebalancer.engine.money.InexactAmount: when an amount has more than six decimals
    """
    symbols = _places(row.symbol for row in securities)
    classes = _places(row.asset_class or row.symbol for row in securities)
    groups = _places(row.wash_group or row.symbol for row in securities)
    households = _places(row.household or row.account_id for row in accounts)
    policies = _places(row.policy for row in accounts)
    positions = [row for account in accounts for row in account.positions]
    models = [row.with_alternates() for row in models]
    return Book(
        as_of=as_of,
        asset_classes=tuple(classes),
        wash_groups=len(groups),
        households=len(households),
        securities=_securities(securities, classes, groups),
        models=_models(models, symbols),
        policies=tuple(policies),
        accounts=_accounts(accounts, households, policies, _places(row.model_id for row in models)),
        positions=_positions(accounts, positions, symbols),
        lots=_lots(positions),
        wash=_wash(wash, households, groups),
        risk=risk,
        taxes=household_taxes(taxes, households),
        ranges=range_table([row.ranges for row in accounts], symbols),
        alternates=alternate_table([row.alternates for row in models], symbols),
    )


def _securities(rows: Sequence[SecurityRow], classes: Mapping[str, int], groups: Mapping[str, int]) -> Securities:
    return Securities(
        symbol=tuple(row.symbol for row in rows),
        price=_micros(row.price or ZERO for row in rows),
        bid=_micros(row.bid or row.price or ZERO for row in rows),
        ask=_micros(row.ask or row.price or ZERO for row in rows),
        adv_shares=_ints(NONE if row.adv_shares is None else row.adv_shares for row in rows),
        price_age_sessions=_ints(row.price_age_sessions for row in rows),
        asset_class=_ints(classes[row.asset_class or row.symbol] for row in rows),
        wash_group=_ints(groups[row.wash_group or row.symbol] for row in rows),
        kind=_ints(row.kind for row in rows),
        fractional=np.array([row.fractional for row in rows], dtype=bool),
        lot_size=_ints(row.lot_size for row in rows),
        tradable=np.array([row.tradable for row in rows], dtype=bool),
    )


def _models(rows: Sequence[ModelRow], symbols: Mapping[str, int]) -> Models:
    nodes = [_places(row.nodes.values()) for row in rows]
    entries = [(place, row, symbol) for place, row in enumerate(rows) for symbol in row.weights]
    return Models(
        model_id=tuple(row.model_id for row in rows),
        cash_weight=np.array([float(row.cash_weight) for row in rows], dtype=np.float64),
        offsets=_offsets(len(row.weights) for row in rows),
        security=_ints(_find(symbols, symbol, f"model {row.model_id}") for _, row, symbol in entries),
        weight=np.array([float(row.weights[symbol]) for _, row, symbol in entries], dtype=np.float64),
        node=_ints(nodes[place].get(row.nodes.get(symbol, ""), NONE) for place, row, symbol in entries),
        node_names=tuple(tuple(names) for names in nodes),
    )


def _accounts(
    rows: Sequence[AccountRow],
    households: Mapping[str, int],
    policies: Mapping[Policy, int],
    models: Mapping[str, int],
) -> Accounts:
    return Accounts(
        account_id=tuple(row.account_id for row in rows),
        household=_ints(households[row.household or row.account_id] for row in rows),
        tax_status=_ints(row.tax_status for row in rows),
        cash_settled=_micros(row.cash for row in rows),
        cash_unsettled=_micros(row.cash_unsettled for row in rows),
        cash_reserve=_micros(row.cash_reserve for row in rows),
        reserve_threshold=_micros(row.reserve_threshold for row in rows),
        withdrawals_due=_micros(row.withdrawals_due for row in rows),
        contributions=_micros(row.contributions for row in rows),
        model=_ints(
            NONE if row.model_id is None else _find(models, row.model_id, f"account {row.account_id}") for row in rows
        ),
        policy=_ints(policies[row.policy] for row in rows),
        block=_ints(row.block for row in rows),
        last_rebalanced_on=_dates(row.last_rebalanced_on for row in rows),
        model_changed_on=_dates(row.model_changed_on for row in rows),
    )


def _positions(accounts: Sequence[AccountRow], rows: Sequence[PositionRow], symbols: Mapping[str, int]) -> Positions:
    owners = chain.from_iterable([account.account_id] * len(account.positions) for account in accounts)
    return Positions(
        offsets=_offsets(len(account.positions) for account in accounts),
        security=_ints(_find(symbols, row.symbol, f"account {owner}") for owner, row in zip(owners, rows, strict=True)),
        quantity=_micros(row.quantity for row in rows),
        no_buy=np.array([row.no_buy for row in rows], dtype=bool),
        no_sell=np.array([row.no_sell for row in rows], dtype=bool),
        hold=np.array([row.hold for row in rows], dtype=bool),
        basis_known=np.array([all(lot.cost_basis is not None for lot in row.lots) for row in rows], dtype=bool),
        lots_missing=np.array([sum(lot.quantity for lot in row.lots) < row.quantity for row in rows], dtype=bool),
    )


def _lots(positions: Sequence[PositionRow]) -> LotTable:
    for row in positions:
        repeated = [lot_id for lot_id, count in Counter(lot.lot_id for lot in row.lots).items() if count > 1]
        if repeated:
            raise BadBook(f"A position of {row.symbol} has two lots {min(repeated)}.")
    lots = [lot for row in positions for lot in row.lots]
    return LotTable(
        offsets=_offsets(len(row.lots) for row in positions),
        lot_id=tuple(lot.lot_id for lot in lots),
        acquired_on=_dates(lot.acquired_on for lot in lots),
        quantity=_micros(lot.quantity for lot in lots),
        cost_basis=_micros(lot.cost_basis or ZERO for lot in lots),
        inherited=np.array([lot.inherited for lot in lots], dtype=bool),
    )


def _wash(rows: Sequence[WashRow], households: Mapping[str, int], groups: Mapping[str, int]) -> WashFacts:
    return WashFacts(
        household=_ints(_find(households, row.household, "a wash row") for row in rows),
        wash_group=_ints(_find(groups, row.wash_group, f"the wash row of {row.household}") for row in rows),
        sold_at_loss_on=_dates(row.sold_at_loss_on for row in rows),
        bought_on=_dates(row.bought_on for row in rows),
        held_outside=_micros(row.held_outside for row in rows),
    )


def _places(names: Iterable[Any]) -> dict[Any, int]:
    """Each different name with its place in order of first appearance."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _find(places: Mapping[str, int], name: str, where: str) -> int:
    if name not in places:
        raise BadBook(f"There is no {name}, which {where} names.")
    return places[name]


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _micros(amounts: Iterable[Decimal]) -> Ints:
    return _ints(to_micros(amount) for amount in amounts)


def _dates(days: Iterable[date | None]) -> Dates:
    return np.array(list(days), dtype="datetime64[D]")


def _offsets(lengths: Iterable[int]) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(_ints(lengths))])
