from __future__ import annotations

from decimal import Decimal

from tests.screens import browser, counted
from tests.trading.worlds import buy, claim_all, filled, make_connection, sell, stage, take_in
from tests.worlds import Birch, Cedar
from trading.models import Order, RebalanceRun


def staged(birch: Birch) -> list[Order]:
    make_connection(birch)
    return stage(birch, sell(birch, "VTI", ("VTI-2021-03-03-200", "60"), price="300"), buy("VEA", "25", price="60"))


def test_a_run_shows_its_orders_beside_the_prices_that_were_approved(birch: Birch) -> None:
    sale, purchase = staged(birch)
    claim_all(birch)
    take_in(sale, filled(sale, "x1", "60", "299.50", fees="0.42"))
    claim_all(birch)
    take_in(purchase, filled(purchase, "x2", "10", "60.10"))
    context = browser(birch).get(f"/runs/{sale.run_id}/").context
    assert [wave["label"] for wave in context["waves"]] == ["Sells", "Buys"]
    (sold,), (bought,) = (wave["orders"] for wave in context["waves"])
    assert (sold["shortfall"], sold["fees"]) == (Decimal("30.00"), Decimal("0.42"))
    assert bought["shortfall"] == Decimal("1.00")
    sums = context["sums"]
    assert (sums["sold"], sums["bought"], sums["shortfall"]) == (17970, 601, 31)
    assert sums["shortfall_bp"] == Decimal("16.666667")
    assert (sums["ended"], sums["orders"], context["live"]) == (1, 2, True)


def test_a_run_without_a_fill_has_no_shortfall(birch: Birch) -> None:
    sale, _ = staged(birch)
    answer = browser(birch).get(f"/runs/{sale.run_id}/")
    assert answer.context["sums"]["shortfall_bp"] is None
    assert answer.context["live"]


def test_what_was_not_ordered_stands_with_the_run(birch: Birch) -> None:
    sale, _ = staged(birch)
    skipped = {"symbol": "BND", "side": "BUY", "quantity": "5", "account_id": birch.account.pk, "reason": "No cash."}
    RebalanceRun.objects.for_firm(birch.firm_id).update(skipped=[skipped])
    assert "No cash." in browser(birch).get(f"/runs/{sale.run_id}/").content.decode()


def test_another_firms_run_does_not_exist(birch: Birch, cedar: Cedar) -> None:
    sale, _ = staged(birch)
    assert browser(cedar).get(f"/runs/{sale.run_id}/").status_code == 404
    assert browser(birch, "CLIENT").get(f"/runs/{sale.run_id}/").status_code == 404


def test_a_run_asks_as_often_for_two_orders_as_for_one(birch: Birch) -> None:
    make_connection(birch)
    (alone,) = stage(birch, buy("VEA", "25", price="60"))
    client = browser(birch)
    with counted() as one:
        client.get(f"/runs/{alone.run_id}/")
    stage(birch, sell(birch, "VTI", ("VTI-2021-03-03-200", "60"), price="300"), buy("VEA", "5", price="60"))
    newest = Order.objects.for_firm(birch.firm_id).order_by("-id").first()
    assert newest is not None
    with counted() as two:
        client.get(f"/runs/{newest.run_id}/")
    assert one == two
