"""Hold ranges and alternates from their tables into the engine's book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from portfolios.models import HoldRange, ModelAlternate, ModelNode, ModelVersion, Security, TargetModel
from portfolios.snapshots.book import LoadedBook, load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.hold_ranges import NO_END, RangeUnit
from tests.worlds import (
    NOW,
    TODAY,
    Birch,
    Cedar,
    World,
    make_account,
    make_alternate,
    make_assignment,
    make_household,
    make_model,
    make_range,
)


def loaded(world: World, *households: int) -> LoadedBook:
    return load_book(world.firm_id, households or [world.household.pk], as_of=TODAY, depth=Depth.ALL_LOTS)


def ranges_in(found: LoadedBook) -> list[tuple[int, str, RangeUnit, int, int]]:
    """(account's id, symbol, unit, lowest, highest) of every range."""
    table = found.book.ranges
    if table is None:
        return []
    columns = (table.account, table.security, table.unit, table.lowest, table.highest)
    return [
        (int(found.account_ids[account]), found.book.securities.symbol[security], RangeUnit(unit), lowest, highest)
        for account, security, unit, lowest, highest in zip(*(column.tolist() for column in columns), strict=True)
    ]


def alternates_in(found: LoadedBook) -> list[tuple[str, str, int, str]]:
    """(version's id, symbol, rank, alternate) of every row."""
    table, symbol = found.book.alternates, found.book.securities.symbol
    if table is None:
        return []
    columns = (table.model, table.security, table.rank, table.alternate)
    return [
        (found.book.models.model_id[model], symbol[security], rank, symbol[alternate])
        for model, security, rank, alternate in zip(*(column.tolist() for column in columns), strict=True)
    ]


def entries_of(found: LoadedBook, place: int) -> dict[str, float]:
    models = found.book.models
    rows = slice(int(models.offsets[place]), int(models.offsets[place + 1]))
    symbols = (found.book.securities.symbol[one] for one in models.security[rows].tolist())
    return dict(zip(symbols, models.weight[rows].tolist(), strict=True))


def test_a_book_without_any_has_neither(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        make_range(cedar.account, "VTI", lowest="1")
        make_alternate(cedar.model, "VTI", "ITOT")
        assert loaded(cedar).book.ranges is not None
        assert loaded(cedar).book.alternates is not None
    assert loaded(birch).book.ranges is None
    assert loaded(birch).book.alternates is None


def test_ranges_come_by_account_and_security_in_millionths(birch: Birch, cedar: Cedar) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002")
    make_range(second, "BND", "DOLLARS", highest="2500.50")
    make_range(birch.account, "VTI", lowest="100.5", highest="300")
    make_range(birch.account, "ITOT", "WEIGHT", highest="0.05")
    with cedar.scope():
        make_range(cedar.account, "VTI", lowest="7")
    assert ranges_in(loaded(birch)) == [
        (birch.account.pk, "VTI", RangeUnit.SHARES, 100_500_000, 300_000_000),
        (birch.account.pk, "ITOT", RangeUnit.WEIGHT, NO_END, 50_000),
        (second.pk, "BND", RangeUnit.DOLLARS, NO_END, 2_500_500_000),
    ]


def test_ranges_of_other_households_and_of_closed_accounts_stay_behind(birch: Birch) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    theirs = make_account(birch.firm_id, elm, number="2002")
    closed = make_account(birch.firm_id, birch.household, number="1003")
    Account.objects.for_firm(birch.firm_id).filter(pk=closed.pk).update(status="CLOSED")
    for account in (birch.account, theirs, closed):
        make_range(account, "VTI", lowest="1")
    assert [row[0] for row in ranges_in(loaded(birch))] == [birch.account.pk]
    assert [row[0] for row in ranges_in(loaded(birch, elm.pk, birch.household.pk))] == [birch.account.pk, theirs.pk]


def test_alternates_are_entries_of_their_model_and_come_by_rank(birch: Birch, cedar: Cedar) -> None:
    make_alternate(birch.model, "BND", "ITOT", rank=2)
    make_alternate(birch.model, "BND", "AGG")
    make_alternate(birch.model, "VTI", "VEA")
    with cedar.scope():
        make_alternate(cedar.model, "VEA", "AGG")
    found, version = loaded(birch), str(birch.version.pk)
    assert alternates_in(found) == [
        (version, "VTI", 1, "VEA"),
        (version, "BND", 1, "AGG"),
        (version, "BND", 2, "ITOT"),
    ]
    assert entries_of(found, 0) == {"VTI": 0.5, "ITOT": 0.0, "VEA": 0.18, "BND": 0.3, "AGG": 0.0}


def test_alternates_of_what_the_version_does_not_hold_wait(birch: Birch) -> None:
    make_alternate(birch.model, "ITOT", "VTI")
    assert alternates_in(loaded(birch)) == []


def make_parent(world: World, *parts: tuple[TargetModel, str]) -> tuple[TargetModel, ModelVersion]:
    model = TargetModel.objects.for_firm(world.firm_id).create(code="WHOLE", name="Whole")
    version = ModelVersion.objects.for_firm(world.firm_id).create(
        target_model=model, number=1, effective_on=date(2026, 1, 2), published_at=NOW
    )
    ModelNode.objects.for_firm(world.firm_id).bulk_create(
        [ModelNode(version=version, child=child, weight=Decimal(weight)) for child, weight in parts]
    )
    return model, version


def test_alternates_hold_where_their_model_is_a_part_and_the_whole_goes_before_its_parts(birch: Birch) -> None:
    income, _ = make_model(birch.firm_id, {"BND": "0.50", "VTI": "0.48"}, code="INCOME")
    whole, version = make_parent(birch, (birch.model, "0.5"), (income, "0.5"))
    make_alternate(birch.model, "VTI", "ITOT")
    make_alternate(birch.model, "BND", "AGG")
    make_alternate(income, "VTI", "VEA")
    make_alternate(whole, "BND", "ITOT")
    elm = make_household(birch.firm_id, name="Elm")
    make_account(birch.firm_id, elm, number="2002")
    make_assignment(birch.firm_id, elm, whole)
    assert alternates_in(loaded(birch, elm.pk)) == [
        (str(version.pk), "VTI", 1, "ITOT"),
        (str(version.pk), "BND", 1, "ITOT"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="no end"),
        pytest.param({"lowest": "5", "highest": "4"}, id="ends in the wrong order"),
        pytest.param({"lowest": "-1"}, id="below zero"),
        pytest.param({"unit": "WEIGHT", "highest": "1.5"}, id="more than the account"),
    ],
)
def test_the_database_refuses_a_range_that_cannot_be(birch: Birch, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="hold_range_"), transaction.atomic():
        make_range(birch.account, "VTI", **values)


@pytest.mark.parametrize(
    ("alternate", "rank", "constraint"),
    [
        pytest.param("VTI", 1, "is_another", id="itself"),
        pytest.param("AGG", 0, "rank_from_one", id="a rank before the first"),
        pytest.param("ITOT", 2, "once", id="one alternate twice"),
    ],
)
def test_the_database_refuses_an_alternate_that_cannot_be(
    birch: Birch, alternate: str, rank: int, constraint: str
) -> None:
    make_alternate(birch.model, "VTI", "ITOT")
    with pytest.raises(IntegrityError, match=f"model_alternate_{constraint}"), transaction.atomic():
        make_alternate(birch.model, "VTI", alternate, rank=rank)


def test_neither_can_hang_on_another_firms_row(birch: Birch, cedar: Cedar) -> None:
    security = Security.objects.get(symbol="VTI")
    with pytest.raises(IntegrityError, match="same_firm"), transaction.atomic():
        HoldRange.objects.for_firm(birch.firm_id).create(
            account=cedar.account, security=security, unit="SHARES", lowest=1, reason="x"
        )
    with pytest.raises(IntegrityError, match="same_firm"), transaction.atomic():
        ModelAlternate.objects.for_firm(birch.firm_id).create(
            target_model=cedar.model, security=security, alternate=Security.objects.get(symbol="ITOT"), rank=1
        )
