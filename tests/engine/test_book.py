from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.book import BadBook, Block
from rebalancer.engine.book_rows import LotRow, ModelRow, PositionRow, WashRow
from rebalancer.engine.book_tables import product
from tests.engine.books import (
    OLD,
    make_account,
    make_book,
    make_model,
    make_position,
    make_securities,
    make_security,
    on_target,
)


def ints(*values):
    return np.array(values, dtype=np.int64)


def test_value_is_cash_after_withdrawals_and_priced_positions():
    account = make_account(
        make_position("VTI", ("10", "60", OLD)),
        PositionRow(symbol="SPAXX", quantity=Decimal("250.5")),
        cash="100",
        cash_unsettled=Decimal(-40),
        withdrawals_due=Decimal(30),
    )
    book = make_book(account)
    assert book.cash_micros().tolist() == [310_500_000]
    assert book.value_micros().tolist() == [1_280_500_000]


def test_an_unpriced_position_is_worth_nothing_yet():
    book = make_book(on_target(), securities=make_securities(VTI=make_security("VTI", None)))
    assert book.value_micros().tolist() == [50_000_000_000]


def test_accounts_are_found_by_id():
    book = make_book(on_target(account_id="A1"), on_target(account_id="A2"))
    assert book.index_of(["A2", "A1"]).tolist() == [1, 0]


def test_columns_of_a_book_cannot_be_written_to():
    book = make_book(on_target())
    with pytest.raises(ValueError, match="read-only"):
        book.positions.quantity[0] = 1


@given(st.integers(-(10**13), 10**13), st.integers(0, 10**11))
def test_a_product_is_exact_to_the_micro(quantity, price):
    quantity //= max(price // 10**6, 1)
    assert product(ints(quantity), ints(price)).tolist() == [quantity * price // 10**6]


@pytest.mark.parametrize(
    ("table", "column", "value", "sentence"),
    [
        pytest.param("positions", "offsets", ints(1, 3), "positions.offsets must run from 0 to 3", id="offset start"),
        pytest.param("positions", "offsets", ints(0, 3, 3), "positions.offsets must be 2 int64", id="offset count"),
        pytest.param("lots", "offsets", ints(0, 2, 1, 3), "lots.offsets must not fall", id="falling offsets"),
        pytest.param("positions", "security", ints(0, 1, 99), "positions.security is out of range", id="no security"),
        pytest.param("positions", "security", ints(0, 0, 1), "Account A1 has two positions of VTI", id="twice"),
        pytest.param("accounts", "model", ints(5), "accounts.model is out of range", id="no model"),
        pytest.param("accounts", "policy", ints(1), "accounts.policy is out of range", id="no policy"),
        pytest.param("accounts", "household", ints(1), "accounts.household is out of range", id="no household"),
        pytest.param("securities", "asset_class", ints(0, 0, 9, 0, 0, 0), "asset_class is out of range", id="no class"),
    ],
)
def test_a_column_that_points_elsewhere_is_refused(table, column, value, sentence):
    book = make_book(on_target())
    with pytest.raises(BadBook, match=sentence):
        replace(book, **{table: replace(getattr(book, table), **{column: value})})


@pytest.mark.parametrize(
    ("table", "column", "value", "sentence"),
    [
        pytest.param("accounts", "cash_reserve", ints(-1), "cash_reserve must not be negative", id="negative"),
        pytest.param("accounts", "cash_reserve", ints(1, 2), "cash_reserve must have 1 rows, not 2", id="length"),
        pytest.param("accounts", "cash_reserve", np.zeros(1), "cash_reserve must be int64, not float64", id="type"),
        pytest.param("accounts", "reserve_threshold", ints(1), "reserve_threshold is above", id="threshold"),
        pytest.param("accounts", "tax_status", ints(3), "tax_status has an unknown code", id="tax status"),
        pytest.param("accounts", "block", ints(9), "block has an unknown code", id="block"),
        pytest.param("lots", "quantity", ints(0, 1, 1), "lots.quantity must be positive", id="empty lot"),
        pytest.param("securities", "lot_size", ints(0, 1, 1, 1, 1, 1), "lot_size must be at least 1", id="lot size"),
        pytest.param("securities", "ask", ints(0, 0, 0, 0, 0, 0), "bid must not be above", id="crossed quote"),
        pytest.param("models", "weight", np.array([0.5, 0.2, 0.3]), "GROWTH sum to 1.02", id="weights"),
    ],
)
def test_a_value_that_cannot_be_is_refused(table, column, value, sentence):
    good = getattr(make_book(on_target()), table)
    with pytest.raises(BadBook, match=sentence):
        replace(good, **{column: value})


def test_a_lot_of_tomorrow_is_refused():
    lot = LotRow("L1", date(2026, 11, 21), Decimal(1), Decimal(1))
    with pytest.raises(BadBook, match="Lot L1 was acquired after 2026-11-20"):
        make_book(make_account(make_position("VTI", lot)))


def test_a_short_position_stands_only_in_a_blocked_account():
    short = PositionRow(symbol="VTI", quantity=Decimal(-1))
    with pytest.raises(BadBook, match="Account A1 is short VTI and is not blocked"):
        make_book(make_account(short))
    assert len(make_book(make_account(short, block=Block.SHORT_POSITION))) == 1


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param({"accounts": [make_account(make_position("X"))]}, "no X, which account A1 names", id="security"),
        pytest.param({"accounts": [on_target(model_id="M")]}, "no M, which account A1 names", id="model"),
        pytest.param({"model": make_model({"X": "1"}, "0")}, "no X, which model GROWTH names", id="entry"),
        pytest.param({"model": make_model({"SPAXX": "1"}, "0")}, "a sweep fund is cash", id="sweep in a model"),
        pytest.param({"wash": [WashRow(household="H", wash_group="VTI")]}, "no H, which a wash row", id="household"),
        pytest.param({"accounts": [on_target(), on_target()]}, "account_id must not repeat", id="account twice"),
        pytest.param(
            {
                "accounts": [
                    make_account(
                        make_position("VTI", LotRow("L", OLD, Decimal(1), None), LotRow("L", OLD, Decimal(1), None))
                    )
                ]
            },
            "two lots L",
            id="lot twice",
        ),
    ],
)
def test_rows_that_name_nothing_are_refused(rows, sentence):
    accounts = rows.pop("accounts", [on_target()])
    with pytest.raises(BadBook, match=sentence):
        make_book(*accounts, **rows)


def test_lots_that_add_up_to_less_are_missing_and_lots_without_basis_are_known_to_be():
    book = make_book(
        make_account(
            PositionRow(symbol="VTI", quantity=Decimal(5), lots=(LotRow("L", OLD, Decimal(4), Decimal(1)),)),
            make_position("BND", LotRow("M", OLD, Decimal(4), None)),
        )
    )
    assert book.positions.lots_missing.tolist() == [True, False]
    assert book.positions.basis_known.tolist() == [True, False]


def test_nodes_are_numbered_within_their_model():
    model = ModelRow(
        model_id="M", weights={"VTI": Decimal("0.5"), "VEA": Decimal("0.5")}, nodes={"VTI": "Core", "VEA": "World"}
    )
    book = make_book(model=model)
    assert (book.models.node_names, book.models.node.tolist()) == ((("Core", "World"),), [0, 1])
