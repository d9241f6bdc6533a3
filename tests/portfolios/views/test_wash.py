"""A household's wash sales: what the brokers disallow, what its return disallows, and what takes each loss."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import Account
from portfolios.models import Lot, Security, Transaction
from portfolios.services.ledger import Entry, Fill, Reversal, apply
from portfolios.snapshots.wash_report import wash_report
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO
from tests.screens import browser
from tests.worlds import NOW, TODAY, Birch, Cedar, World, make_account, make_lot


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def fill(world: World, side: Side, symbol: str, quantity: int, price: str, on: date, **more: Any) -> Fill:
    account = more.get("account", world.account)
    return Fill(
        key=f"{side}-{symbol}-{quantity}-{on}-{account.pk}",
        account_id=account.pk,
        security_id=Security.objects.get(symbol=symbol).pk,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fees=ZERO,
        trade_on=on,
        settle_on=on + timedelta(days=1),
        lots=((more["lot"].pk, Decimal(quantity)),) if "lot" in more else (),
    )


def post(world: World, *entries: Entry) -> None:
    assert apply(firm_id=world.firm_id, entries=entries) == {}


def report(world: World, **changes: Any) -> dict[str, Any]:
    found = wash_report(world.firm_id, world.household.pk, **{"year": 2026, "on": TODAY, **changes})
    assert found is not None
    return found


def figures(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("loss", "household", "broker", "lost", "recognised"))


def sell_high_lot(world: World, quantity: int = 50, on: date = TODAY) -> Fill:
    """50 VTI were bought at 320 on 2 March and go at 240: $80 a share are lost."""
    lot = Lot.objects.for_firm(world.firm_id).get(account=world.account, acquired_on=date(2026, 3, 2))
    return fill(world, Side.SELL, "VTI", quantity, "240", on, lot=lot)


def test_a_loss_that_nothing_replaces_is_allowed_and_its_window_stays_open(birch: Birch) -> None:
    post(birch, sell_high_lot(birch))
    [row] = report(birch)["losses"]
    assert figures(row) == ("4000.00", "0.00", "0.00", "0.00", "-4000.00")
    assert row["open_until"] == TODAY + timedelta(days=30)
    assert report(birch, on=TODAY + timedelta(days=31))["losses"][0]["open_until"] is None


def test_a_purchase_in_the_same_account_washes_share_by_share_in_both_figures(birch: Birch) -> None:
    post(birch, sell_high_lot(birch), fill(birch, Side.BUY, "VTI", 20, "245", TODAY + timedelta(days=3)))
    [row] = report(birch)["losses"]
    assert figures(row) == ("4000.00", "1600.00", "1600.00", "0.00", "-2400.00")
    [taken] = row["replacements"]
    assert (taken["quantity"], taken["disallowed"], taken["lost"]) == (Decimal(20), Decimal("1600.00"), False)


def test_a_purchase_in_the_familys_ira_washes_for_the_household_alone_and_for_good(birch: Birch) -> None:
    ira = make_account(birch.firm_id, birch.household, number="1002", registration="TRADITIONAL_IRA", cash="9000.00")
    post(birch, sell_high_lot(birch), fill(birch, Side.BUY, "VTI", 30, "245", TODAY, account=ira))
    found = report(birch)
    assert figures(found["losses"][0]) == ("4000.00", "2400.00", "0.00", "2400.00", "-1600.00")
    assert found["totals"] == {"loss": Decimal(4000), "broker": 0, "household": Decimal(2400), "lost": Decimal(2400)}


def test_what_is_substantially_identical_washes_for_the_household_alone(birch: Birch) -> None:
    post(birch, sell_high_lot(birch), fill(birch, Side.BUY, "VTSAX", 50, "100", TODAY))
    [row] = report(birch)["losses"]
    assert figures(row) == ("4000.00", "4000.00", "0.00", "0.00", "0.00")
    assert row["replacements"][0]["symbol"] == "VTSAX"


def test_a_sale_that_was_taken_back_is_none(birch: Birch) -> None:
    sale = sell_high_lot(birch)
    post(birch, sale)
    post(birch, Reversal("bust", sale.key, sale.account_id, sale.security_id))
    assert report(birch)["losses"] == []


def test_each_year_has_its_own_losses(birch: Birch) -> None:
    make_lot(birch.firm_id, birch.account, "BND", "10", basis="1000.00", acquired_on=date(2024, 1, 2), key="old")
    old = Lot.objects.for_firm(birch.firm_id).get(lot_key="old")
    post(birch, fill(birch, Side.SELL, "BND", 10, "80", date(2025, 5, 5), lot=old), sell_high_lot(birch))
    assert [row["symbol"] for row in report(birch)["losses"]] == ["VTI"]
    assert [row["symbol"] for row in report(birch, year=2025)["losses"]] == ["BND"]
    assert report(birch)["years"] == [2026, 2025]


def test_sales_whose_lots_or_basis_are_not_known_are_said(birch: Birch) -> None:
    blank = make_lot(birch.firm_id, birch.account, "BND", "10", basis=None, key="blank")
    post(birch, fill(birch, Side.SELL, "BND", 10, "70", TODAY, lot=blank))
    Transaction.objects.for_firm(birch.firm_id).create(
        account=birch.account, security=Security.objects.get(symbol="VTI"), key="feed", kind="SELL",
        trade_on=TODAY, settle_on=TODAY, quantity=Decimal(-5), price=Decimal(240), amount=Decimal(1200),
    )  # fmt: skip
    found = report(birch)
    assert (found["losses"], found["unmatched"], found["without_basis"]) == ([], 1, ["BND"])
    page = strip_tags(page_of(birch))
    assert "1 sale of 2026 came from a custodian without its lots" in page
    assert "Lots without a cost basis were sold of BND" in page


def page_of(world: World, query: str = "", role: str = "ADVISER") -> str:
    answer = browser(world, role).get(reverse("household-wash-sales", args=[world.household.pk]) + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_tells_the_two_figures_apart(birch: Birch) -> None:
    ira = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA", cash="9000.00")
    post(birch, sell_high_lot(birch), fill(birch, Side.BUY, "VTI", 30, "245", TODAY, account=ira))
    page = strip_tags(page_of(birch))
    assert "The brokers' forms will disallow $0.00, the household's return $2,400.00" in page.replace("&#x27;", "'")
    assert "$2,400.00 lost for good" in page
    assert "No losses in 2025" in strip_tags(page_of(birch, "?year=2025"))


def test_the_file_has_a_line_for_each_lot_and_no_formula(birch: Birch) -> None:
    Account.objects.for_firm(birch.firm_id).filter(pk=birch.account.pk).update(name='=HYPERLINK("x")')
    post(birch, sell_high_lot(birch), fill(birch, Side.BUY, "VTI", 20, "245", TODAY))
    answer = browser(birch).get(reverse("household-wash-sales-file", args=[birch.household.pk]))
    assert answer["Content-Disposition"].endswith('-2026.csv"')
    head, line = csv.reader(io.StringIO(answer.content.decode()))
    row = dict(zip(head, line, strict=True))
    assert row["Account"].startswith("'=HYPERLINK")
    assert (row["Loss"], row["Disallowed for the household"]) == ("4000.00", "1600.00")
    assert row["Gain or loss recognised"] == "-2400.00"


@pytest.mark.parametrize("year", ["1", "20261", "x", "2027", "٢٠٢٥"])
def test_a_year_that_is_none_is_not_found(birch: Birch, year: str) -> None:
    address = reverse("household-wash-sales", args=[birch.household.pk])
    assert browser(birch).get(f"{address}?year={year}").status_code == 404


def test_another_firms_household_is_not_found_and_its_trades_wash_nothing(birch: Birch, cedar: Cedar) -> None:
    post(birch, sell_high_lot(birch))
    with cedar.scope():
        post(cedar, fill(cedar, Side.BUY, "VTI", 5, "240", TODAY))
    assert report(birch)["losses"][0]["household"] == 0
    assert wash_report(birch.firm_id, cedar.household.pk, year=2026, on=TODAY) is None
    assert browser(birch).get(reverse("household-wash-sales", args=[cedar.household.pk])).status_code == 404
