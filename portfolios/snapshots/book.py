"""A firm's book, or some households of it, as the engine's frozen arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.models import TaxProfile
from portfolios.models import AssetClass, Security
from portfolios.selectors.policies import InForce, engine_policy, policies_in_force
from portfolios.selectors.targets import FlatModel, flat_models
from portfolios.snapshots import queries
from portfolios.snapshots.accounts import account_rows
from portfolios.snapshots.columns import Columns, Ints, fetch_columns, fetch_of, places, scattered
from portfolios.snapshots.options import alternate_columns, named_alternates, range_columns
from portfolios.snapshots.positions import Depth, position_tables
from portfolios.snapshots.taxes import taxes_of
from rebalancer.engine.book import NONE, Accounts, Block, Book, Kind, Models, Securities, WashFacts
from rebalancer.engine.calendars import sessions_between
from rebalancer.engine.policy import Policy

NO_PRICE_AGE = 999


@dataclass(frozen=True, slots=True)
class LoadedBook:
    """The engine's book, and the database ids of its rows, in the same order."""

    book: Book
    account_ids: Ints
    household_ids: Ints
    security_ids: Ints
    version_ids: Ints
    """0 where an account follows no model."""


def load_book(
    firm_id: int,
    household_ids: Sequence[int],
    *,
    as_of: date,
    depth: Depth,
) -> LoadedBook:
    """All open accounts of some households as of a day.

    With LOSS_LOTS it serves drift and triggers; decisions need ALL_LOTS, which brings budgets of gains too. Bands that
    follow embedded gain need ALL_LOTS as well: where a policy has them, all lots are read.
    """
    parameters = {"firm": firm_id, "on": as_of}
    rows = account_rows(firm_id, household_ids, as_of=as_of)
    households, household = np.unique(rows["household_id"], return_inverse=True)
    classes = dict(AssetClass.objects.order_by("id").values_list("id", "name"))
    securities, security_ids, groups = _securities(parameters, as_of, list(classes))
    versions = np.unique(rows["version_id"][rows["version_id"] > 0])
    policies, policy = policies_of(firm_id, rows, policies_in_force(firm_id))
    if any(one.gain_band for one in policies):
        depth = Depth.ALL_LOTS
    positions, lots, short = position_tables(firm_id, rows, security_ids, as_of, depth=depth)
    flat = flat_models(firm_id, versions.tolist(), as_of)
    book = Book(
        as_of=as_of,
        asset_classes=tuple(classes.values()),
        wash_groups=len(groups),
        households=len(households),
        securities=securities,
        models=_models(flat, versions.tolist(), security_ids),
        policies=policies,
        accounts=_accounts(rows, household, versions, policy, short),
        positions=positions,
        lots=lots,
        wash=_wash(parameters, households, groups),
        taxes=taxes_of(firm_id, households, as_of=as_of) if depth is Depth.ALL_LOTS else None,
        ranges=range_columns(firm_id, rows["id"], security_ids),
        alternates=alternate_columns([flat[version].alternates for version in versions.tolist()], security_ids),
    )
    return LoadedBook(book, rows["id"], rows["household_id"], security_ids, rows["version_id"])


def _securities(parameters: Mapping[str, Any], as_of: date, classes: Sequence[int]) -> tuple[Securities, Ints, Ints]:
    """The whole security master with the firm's quotes, the securities' ids, and the ids of the wash groups.

    :param classes: ids of all asset classes, sorted
    """
    masters = list(Security.objects.order_by("id"))
    ids = np.array([row.pk for row in masters], dtype=np.int64)
    groups = np.unique([row.wash_group_id for row in masters]).astype(np.int64)
    quotes = fetch_columns(queries.QUOTES, parameters, queries.QUOTE_COLUMNS)
    place = np.searchsorted(ids, quotes["security_id"])
    quoted = {name: scattered(quotes[name], place, len(ids)) for name in ("close", "bid", "ask", "adv")}
    ages = {day: sessions_between(_day(day), as_of) for day in set(quotes["priced"].tolist())}
    age = scattered(
        np.array([ages[day] for day in quotes["priced"].tolist()], dtype=np.int64), place, len(ids), NO_PRICE_AGE
    )
    kind = np.array([Kind[row.kind] for row in masters], dtype=np.int64)
    table = Securities(
        symbol=tuple(row.symbol for row in masters),
        price=quoted["close"],
        bid=quoted["bid"],
        ask=quoted["ask"],
        adv_shares=np.where(np.isin(kind, (Kind.MUTUAL_FUND, Kind.SWEEP)), NONE, quoted["adv"]),
        price_age_sessions=age,
        asset_class=np.searchsorted(classes, [row.asset_class_id for row in masters]).astype(np.int64),
        wash_group=np.searchsorted(groups, [row.wash_group_id for row in masters]).astype(np.int64),
        kind=kind,
        fractional=np.array([row.is_fractionable for row in masters], dtype=np.bool_),
        lot_size=np.array([row.round_lot for row in masters], dtype=np.int64),
        tradable=np.ones(len(masters), dtype=np.bool_),
    )
    return table, ids, groups


def _day(days: int) -> date:
    return date(1970, 1, 1) + timedelta(days=days)


def _models(flat: Mapping[int, FlatModel], versions: Sequence[int], security_ids: Ints) -> Models:
    """Every alternate is an entry too, of weight zero unless the model wants it for itself."""
    securities = [
        sorted(flat[version].weights.keys() | named_alternates(flat[version].alternates)) for version in versions
    ]
    entries = [(version, security) for version, named in zip(versions, securities, strict=True) for security in named]
    counts = [len(named) for named in securities]
    return Models(
        model_id=tuple(str(version) for version in versions),
        cash_weight=np.array([float(flat[version].cash_weight) for version in versions], dtype=np.float64),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        security=np.searchsorted(security_ids, [security for _, security in entries]).astype(np.int64),
        weight=np.array(
            [float(flat[version].weights.get(security, 0)) for version, security in entries], dtype=np.float64
        ),
        node=np.array([flat[version].node_of.get(security, NONE) for version, security in entries], dtype=np.int64),
        node_names=tuple(flat[version].node_names for version in versions),
    )


def policies_of(firm_id: int, rows: Columns, in_force: InForce) -> tuple[tuple[Policy, ...], Ints]:
    """The distinct policies of accounts under some parameter files, and which of them each account has.

    :param rows: `id`, `household_id` and `model_id` (0 for none) of the accounts
    """
    households, household = np.unique(rows["household_id"], return_inverse=True)
    rates = _rates(firm_id, households)
    kinds: dict[Any, int] = {(None, 0): 0}
    special = [one for one in households.tolist() if one in rates or one in in_force.households]
    kind = [kinds.setdefault((rates.get(one), one if one in in_force.households else 0), len(kinds)) for one in special]
    place = places(households, np.array(special, dtype=np.int64))
    by_household = scattered(np.array(kind, dtype=np.int64), place, len(households))[household]
    own = np.where(np.isin(rows["id"], list(in_force.accounts)), rows["id"], 0)
    owners, owner = np.unique(own, return_inverse=True)
    _, model = np.unique(rows["model_id"], return_inverse=True)
    combined = (model * len(kinds) + by_household) * len(owners) + owner
    _, first, index = np.unique(combined, return_index=True, return_inverse=True)
    return tuple(_policy(in_force, rates, rows, place) for place in first.tolist()), index.astype(np.int64)


def _rates(firm_id: int, households: Ints) -> dict[int, tuple[Decimal, Decimal]]:
    """Short- and long-term tax rates of the households (sorted) that have some of their own."""
    if not len(households):
        return {}
    first, last = int(households[0]), int(households[-1])
    rows = TaxProfile.objects.for_firm(firm_id).filter(household_id__gte=first, household_id__lte=last)
    found = rows.values_list("household_id", "short_rate", "long_rate")
    return {household: (short, long) for household, short, long in found}


def _policy(in_force: InForce, rates: Mapping[int, tuple[Decimal, Decimal]], rows: Columns, place: int) -> Policy:
    """The policy of the account in that row."""
    household = int(rows["household_id"][place])
    layers = in_force.layers(
        model_id=int(rows["model_id"][place]), household_id=household, account_id=int(rows["id"][place])
    )
    own = rates.get(household)
    return engine_policy(layers, {"short_rate": own[0], "long_rate": own[1]} if own else {})


def _accounts(rows: Columns, household: Ints, versions: Ints, policy: Ints, short: Ints) -> Accounts:
    followed = rows["version_id"] > 0
    block = np.where(rows["has_problem"] > 0, Block.DATA_PROBLEM, Block.NONE)
    return Accounts(
        account_id=tuple(map(repr, rows["id"].tolist())),
        household=household.astype(np.int64),
        tax_status=rows["tax_status"],
        cash_settled=rows["settled"],
        cash_unsettled=rows["unsettled"],
        cash_reserve=rows["reserve"],
        reserve_threshold=rows["threshold"],
        withdrawals_due=rows["leaving"],
        contributions=rows["contributions"],
        model=np.where(followed, np.searchsorted(versions, rows["version_id"]), NONE).astype(np.int64),
        policy=policy,
        block=np.where(np.isin(rows["id"], short), Block.SHORT_POSITION, block).astype(np.int64),
        last_rebalanced_on=_dates(rows["last_rebalanced"]),
        model_changed_on=_dates(rows["model_changed"]),
    )


def _dates(days: Ints) -> NDArray[np.datetime64]:
    """Days since 1970 as dates; -1 is none."""
    dates = days.astype("datetime64[D]")
    dates[days == -1] = np.datetime64("NaT")
    return dates


def _wash(parameters: Mapping[str, Any], households: Ints, groups: Ints) -> WashFacts:
    rows, household = fetch_of(households, queries.WASH, parameters, queries.WASH_COLUMNS, by="account.household_id")
    return WashFacts(
        household=household,
        wash_group=np.searchsorted(groups, rows["wash_group_id"]).astype(np.int64),
        sold_at_loss_on=_dates(rows["sold_at_loss"]),
        bought_on=_dates(rows["bought"]),
        held_outside=np.zeros(len(rows["household_id"]), dtype=np.int64),
    )
