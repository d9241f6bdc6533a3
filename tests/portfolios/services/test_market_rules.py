"""Tick sizes and funds' terms are the operator's; every firm reads the same."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction

from portfolios.models import Security, TickSize
from portfolios.selectors.market_rules import DEFAULT_TERMS, Terms, fund_terms, terms_at, tick_sizes
from tests.trading.worlds import buy, make_connection, orders, sell, stage
from tests.worlds import Birch, make_birch, make_cedar

HALF_PENNY = Decimal("0.005")


def load(tmp_path: Path, kind: str, text: str) -> None:
    path = tmp_path / f"{kind}.csv"
    path.write_text(text)
    call_command("load_market_rules", **{kind: path})


def load_ticks(tmp_path: Path, *lines: str) -> None:
    load(tmp_path, "ticks", "\n".join(["symbol,starts_on,ends_on,increment", *lines]))


def load_funds(tmp_path: Path, *lines: str) -> None:
    load(tmp_path, "funds", "\n".join(["symbol,custodian,cut_off_at,settle_days", *lines]))


def security_id(symbol: str) -> int:
    return Security.objects.get(symbol=symbol).pk


@pytest.mark.usefixtures("own_database")
class TestOnceLoaded:
    @pytest.mark.parametrize(
        ("on", "increment"),
        [("2026-10-30", None), ("2026-11-02", HALF_PENNY), ("2027-04-30", HALF_PENNY), ("2027-05-03", Decimal("0.01"))],
    )
    def test_the_step_of_prices_is_that_of_the_day(self, tmp_path: Path, on: str, increment: Decimal | None) -> None:
        load_ticks(tmp_path, "VTI,2026-11-02,2027-05-03,0.005", "VTI,2027-05-03,,0.01")
        assert tick_sizes([security_id("VTI")], on=date.fromisoformat(on)).get(security_id("VTI")) == increment

    def test_a_period_that_begins_on_the_same_day_replaces_the_earlier(self, tmp_path: Path) -> None:
        load_ticks(tmp_path, "VTI,2026-11-02,,0.005")
        load_ticks(tmp_path, "VTI,2026-11-02,,0.01")
        assert tick_sizes([security_id("VTI")], on=date(2026, 11, 24)) == {security_id("VTI"): Decimal("0.01")}

    def test_orders_of_both_firms_stand_on_the_steps_of_the_day(self, tmp_path: Path) -> None:
        load_ticks(tmp_path, "VTI,2026-11-02,,0.005", "VEA,2026-11-23,,0.005")
        for world in (make_birch(), make_cedar()):
            with world.scope():
                make_connection(world)
                stage(world, sell(world, "VTI", ("VTI-2021-03-03-200", "60"), price="300"), buy("VEA", "9", price="60"))
                sold, bought = orders(world)
                assert (sold.limit_price, bought.limit_price) == (Decimal("299.695"), Decimal("60.07"))

    def test_a_file_that_names_what_is_not_there_is_refused_whole(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError) as refused:
            load_ticks(tmp_path, "VTI,2026-11-02,,0.005", "NONE,2026-11-02,,0.005", "VTSAX,2026-11-02,,0.005")
        assert str(refused.value).splitlines() == [
            "Nothing of the file was taken.",
            "Line 3: there is no security NONE. Load the security master first.",
            "Line 4: VTSAX is of kind mutual fund. Take the line out.",
        ]
        assert not TickSize.objects.exists()

    def test_a_custodian_s_own_cut_off_goes_before_that_of_all(self, tmp_path: Path) -> None:
        load_funds(tmp_path, "VTSAX,,16:00,1", "VTSAX,SCHWAB,15:45,2")
        load_funds(tmp_path, "VTSAX,,15:59,1")
        fund = security_id("VTSAX")
        terms = fund_terms([fund])
        schwab = next(custodian for _, custodian in terms if custodian is not None)
        assert terms_at(terms, fund, schwab) == Terms(time(15, 45), 2)
        assert terms_at(terms, fund, schwab + 1) == Terms(time(15, 59), 1)
        assert terms_at({}, fund, schwab) == DEFAULT_TERMS

    def test_an_unknown_custodian_is_named_with_those_that_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="Line 2: there is no custodian PERSHING; write one of FIDELITY, IBKR"):
            load_funds(tmp_path, "VTSAX,PERSHING,16:00,1")


def test_a_firm_cannot_write_what_is_every_firm_s(birch: Birch) -> None:
    row = TickSize(security_id=security_id("VTI"), starts_on=date(2026, 11, 2), increment=HALF_PENNY, source="x")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        row.save()
    assert birch.firm_id
