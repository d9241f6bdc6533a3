"""A household's part of a book is decided like the whole."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import BadBook, Book
from rebalancer.engine.book_part import part_of
from rebalancer.engine.book_rows import AccountRow, WashRow, from_rows
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Policy
from rebalancer.engine.triggers import MODES
from tests.engine.books import TODAY, make_book, make_model, on_target, overweight_equity
from tests.engine.optimiser.test_properties import SECURITIES, accounts, washes

MODELS = (make_model(), replace(make_model({"VTI": "0.3", "BND": "0.6"}, "0.1"), model_id="INCOME"))
members = st.tuples(accounts, st.sampled_from(["GROWTH", "INCOME", None])).map(
    lambda drawn: replace(drawn[0], model_id=drawn[1])
)
families = st.lists(members, min_size=2, max_size=5, unique_by=lambda row: row.account_id)


def book_of(rows: list[AccountRow], wash: list[WashRow]) -> Book:
    known = {row.household for row in rows}
    wash = [row for row in wash if row.household in known]
    return from_rows(as_of=TODAY, securities=SECURITIES, models=MODELS, accounts=rows, wash=wash)


@settings(max_examples=60, deadline=None)
@given(families, washes, st.data())
def test_the_part_is_decided_like_the_whole(rows: list[AccountRow], wash: list[WashRow], data: st.DataObject) -> None:
    book = book_of(rows, wash)
    modes = np.array(data.draw(st.lists(st.integers(0, len(MODES) - 1), min_size=len(rows), max_size=len(rows))))
    slider = data.draw(st.sampled_from([None, 0.0, 0.5]))
    whole = solve(book, modes=modes, slider=slider)
    for household in range(book.households):
        mine = np.flatnonzero(book.accounts.household == household)
        names = [book.accounts.account_id[int(place)] for place in mine]
        limits = {name: whole.volume_limits[name] for name in names if name in whole.volume_limits}
        alone = part_of(book, np.array([household]))
        part = solve(alone, modes=modes[mine], slider=slider, volume_limits=limits)
        assert part.volume_limits == limits
        assert list(part) == [whole[int(place)] for place in mine]


def test_the_part_knows_only_what_its_accounts_point_at() -> None:
    book = make_book(
        on_target(account_id="A1", household="H1"),
        overweight_equity(account_id="A2", household="H2", policy=Policy(commission=Decimal(5))),
        wash=[WashRow(household="H1", wash_group="OLD", held_outside=Decimal(3))]
        + [WashRow(household=one, wash_group="VTI", held_outside=Decimal(3)) for one in ("H1", "H2")],
    )
    part = part_of(book, np.array([1]))
    assert part.accounts.account_id == ("A2",)
    assert part.securities.symbol == ("VTI", "VEA", "BND")
    assert part.asset_classes == ("US equity", "International equity", "US bonds")
    assert part.policies == (Policy(commission=Decimal(5)),)
    assert (part.households, part.wash_groups, part.wash.household.tolist()) == (1, 3, [0])


def test_equal_parts_of_different_books_are_equal() -> None:
    mine, other = overweight_equity(account_id="A1"), on_target(account_id="A2", policy=Policy())
    first, last = make_book(mine, other), make_book(other, mine)
    ours, theirs = part_of(first, np.array([0])), part_of(last, np.array([1]))
    assert ours.policies == theirs.policies
    assert ours.lots.quantity.tolist() == theirs.lots.quantity.tolist()


def test_a_part_of_several_households_keeps_them_apart() -> None:
    book = make_book(*(on_target(account_id=f"A{place}") for place in range(3)))
    part = part_of(book, np.array([2, 0]))
    assert part.accounts.account_id == ("A0", "A2")
    assert part.accounts.household.tolist() == [0, 1]


@pytest.mark.parametrize("household", [-1, 1])
def test_a_household_that_is_not_there_is_refused(household: int) -> None:
    with pytest.raises(BadBook, match="not in the book"):
        part_of(make_book(on_target()), np.array([household]))


def test_every_table_of_a_book_is_cut() -> None:
    """A table that joins the book must learn here which of its rows a household's decisions depend on."""
    assert {field.name for field in fields(Book)} == {
        "as_of", "asset_classes", "wash_groups", "households", "securities", "models", "policies", "accounts",
        "positions", "lots", "wash", "risk", "taxes", "ranges", "alternates",
    }  # fmt: skip
