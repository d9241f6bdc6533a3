"""What the demonstration wants beside its files is stored once, however often it is loaded."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from accounts.models import AuditEvent
from portfolios.models import HoldRange, ModelAlternate
from rebalancer.demo.book import DemoAccount, DemoFirm, DemoHousehold, DemoModel, DemoRange
from tests.worlds import NOW, TODAY, Birch, Cedar
from trading.services.demonstration_wishes import load_alternates, load_wishes

MODEL = DemoModel("growth", "Growth", (), alternates={"VTI": (("ITOT", "VEA"),), "BND": (("AGG",), ("VEA",))})


def make_firm(number: str) -> DemoFirm:
    account = DemoAccount(
        number=number,
        custodian="schwab",
        name="Alder",
        registration="INDIVIDUAL",
        client_id="1",
        cash_settled=Decimal(0),
        ranges=(DemoRange("VTI", Decimal(20), "Shares of the first employer"),),
    )
    household = DemoHousehold(
        external_id="HH-Alder",
        name="Alder",
        adviser_email="a@b.example",
        model_code="growth",
        filing_status="SINGLE",
        short_rate=Decimal("0.3"),
        long_rate=Decimal("0.2"),
        realised_short=Decimal(0),
        realised_long=Decimal(0),
        clients=(),
        accounts=(account,),
    )
    return DemoFirm(slug="birch", name="Birch", advisers=(), models=(MODEL,), households=(household,))


def test_ranges_are_stored_once_and_a_change_made_since_stays(birch: Birch, cedar: Cedar) -> None:
    firm = make_firm(birch.account.number)
    load_wishes(birch.firm_id, firm, as_of=TODAY, at=NOW)
    HoldRange.objects.for_firm(birch.firm_id).update(lowest=Decimal(7))
    load_wishes(birch.firm_id, firm, as_of=TODAY, at=NOW)
    row = HoldRange.objects.for_firm(birch.firm_id).get()
    assert (row.account, row.security.symbol, row.unit, row.lowest) == (birch.account, "VTI", "SHARES", 7)
    with cedar.scope():
        assert not HoldRange.objects.for_firm(cedar.firm_id).exists()


def test_alternates_are_stored_once(birch: Birch) -> None:
    for _ in range(2):
        load_alternates(birch.firm_id, MODEL, birch.model.pk, NOW)
    rows = ModelAlternate.objects.for_firm(birch.firm_id)
    assert sorted(rows.values_list("security__symbol", "rank", "alternate__symbol")) == [
        ("BND", 1, "AGG"),
        ("BND", 2, "VEA"),
        ("VTI", 1, "ITOT"),
        ("VTI", 1, "VEA"),
    ]
    assert AuditEvent.objects.for_firm(birch.firm_id).filter(action="ALTERNATES_SET").count() == 2


def test_a_model_without_alternates_stores_none(birch: Birch) -> None:
    load_alternates(birch.firm_id, replace(MODEL, alternates={}), birch.model.pk, NOW)
    assert not ModelAlternate.objects.for_firm(birch.firm_id).exists()
