from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import CashReserve, ScheduledFlow
from portfolios.models import DataProblem, FeedFile, FeedRow, FirmPrice, Restriction, Security
from portfolios.selectors import account_pages
from portfolios.services.policies import publish_policy
from tests.screens import HTMX, browser, counted
from tests.worlds import NOW, TODAY, Birch, World, make_account, make_household, make_lot

BOOK = "/book/"
# The pages ask for the newest session; the tests' prices are of one.
pytestmark = pytest.mark.usefixtures("today")


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the doors stands at the day of the tests' book."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def page_of(world: World, path: str, role: str = "ADVISER") -> str:
    return browser(world, role).get(path).content.decode()


def account_page(world: World) -> Any:
    """What the template was given."""
    return browser(world).get(reverse("account", args=[world.account.pk])).context


def make_problem(world: World, sentence: str = "A lot of VTI has no basis.") -> DataProblem:
    return DataProblem.objects.for_firm(world.firm_id).create(
        account=world.account, code="MISSING_BASIS", source="TEST", sentence=sentence, opened_at=NOW
    )


def test_an_account_foots(birch: Birch) -> None:
    page = account_page(birch)
    held = sum(row["value"] for row in page["holdings"])
    cash = page["account"]["cash_settled"] + page["account"]["cash_unsettled"]
    assert (page["account"]["value"], held + cash) == (Decimal("88100.00"), Decimal("88100.00"))
    assert sum(row["before_amount"] for row in page["classes"]) == Decimal("88100.00")


def test_an_account_shows_what_its_model_wants_and_it_lacks(birch: Birch) -> None:
    rows = {row["symbol"]: (row["quantity"], row["target_weight"]) for row in account_page(birch)["holdings"]}
    assert rows["VEA"] == (Decimal(0), Decimal("0.18"))


def test_a_lot_says_when_it_turns_long_term(birch: Birch) -> None:
    (holding,) = (row for row in account_page(birch)["holdings"] if row["symbol"] == "VTI")
    assert [(lot["term"], str(lot["long_term_on"])) for lot in holding["lots"]] == [
        ("LONG", "None"),
        ("SHORT", "2027-03-03"),
    ]


def test_an_old_price_is_marked(birch: Birch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=7))
    assert {row["price_problem"] for row in account_page(birch)["holdings"]} == {"old: Nov 20, 2026"}


def test_an_unknown_basis_makes_no_gain(birch: Birch) -> None:
    make_lot(birch.firm_id, birch.account, "BND", "1", basis=None, key="unknown")
    (row,) = (row for row in account_page(birch)["holdings"] if row["symbol"] == "BND")
    assert (row["cost_basis"], row["gain"]) == (None, None)


def test_each_rule_says_where_it_was_set_and_what_it_won_over(birch: Birch) -> None:
    publish_policy(firm_id=birch.firm_id, toml="[triggers]\nclass_band_relative = 0.3\n", at=NOW, by="t")
    publish_policy(
        firm_id=birch.firm_id,
        toml="[triggers]\nclass_band_relative = 0.1\n",
        at=NOW,
        by="t",
        account_id=birch.account.pk,
    )
    (rule,) = (row for row in account_page(birch)["policy"] if row["label"] == "Band around a class, of its target")
    under = [(line["source_label"], line["value_text"]) for line in rule["overridden"]]
    assert (rule["value_text"], rule["source_label"]) == ("10.0%", "account Alder Individual 1001, policy v1")
    assert under == [("firm, policy v1", "30.0%"), ("product default", "20.0%")]


def test_the_band_of_a_class_says_which_rule_it_comes_from(birch: Birch) -> None:
    sources = {row["name"]: row["limit_source"] for row in account_page(birch)["classes"]}
    assert sources == {
        "US equity": "7.0 points, product default",
        "US bonds": "20% of its target, product default",
        "International equity": "20% of its target, product default",
        "Cash": "7.0 points, product default",
    }


def test_restrictions_reserves_flows_and_problems_stand_on_the_page(birch: Birch) -> None:
    scope = {"firm_id": birch.firm_id}
    Restriction.objects.for_firm(**scope).create(
        household=birch.household, security=Security.objects.get(symbol="BND"), kind="NO_SELL", reason="A gift."
    )
    CashReserve.objects.for_firm(**scope).create(account=birch.account, name="Roof", amount=Decimal(5000))
    ScheduledFlow.objects.for_firm(**scope).create(
        account=birch.account, name="Tuition", due_on=TODAY, amount=Decimal(-900)
    )
    make_problem(birch)
    page = page_of(birch, reverse("account", args=[birch.account.pk]))
    wanted = ("No selling BND", "set for the household", "Reserve: Roof", "Tuition", "A lot of VTI has no basis.")
    assert [word for word in wanted if word not in page] == []


def test_the_firms_own_price_wins_on_the_same_day(birch: Birch) -> None:
    FirmPrice.objects.for_firm(birch.firm_id).create(
        security=Security.objects.get(symbol="BND"), priced_on=TODAY, close=Decimal(80), bid=Decimal(80),
        ask=Decimal(80), adv_shares=1, source="TEST",
    )  # fmt: skip
    (row,) = (row for row in account_page(birch)["holdings"] if row["symbol"] == "BND")
    assert row["value"] == Decimal("12000.00")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", {"Alder", "Beech"}, id="all"),
        pytest.param("?q=beech", {"Beech"}, id="by household"),
        pytest.param("?q=1001", {"Alder"}, id="by number"),
        pytest.param("?q=nobody", set(), id="none"),
        pytest.param("?after=99999999999999999999", {"Alder", "Beech"}, id="a place that is none begins at the top"),
    ],
)
def test_a_search_narrows_the_accounts(query: str, found: set[str], birch: Birch) -> None:
    make_account(birch.firm_id, make_household(birch.firm_id, name="Beech"), number="2001")
    page = page_of(birch, BOOK + query)
    assert {name for name in ("Alder", "Beech") if f">{name} Individual</a>" in page} == found


def test_accounts_follow_each_other_page_by_page(birch: Birch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_pages, "PAGE", 2)
    for number in range(3):
        make_account(birch.firm_id, birch.household, number=f"30{number}")
    client, seen, path = browser(birch), 0, BOOK
    while path:
        page = client.get(path, headers=HTMX).content.decode()
        seen += page.count("data-row")
        _, _, rest = page.partition('hx-get="/book/?after=')
        path = f"/book/?after={rest.partition(chr(34))[0]}" if rest else ""
    assert seen == 4


@pytest.mark.parametrize("path", [BOOK, "/models/", "/problems/"])
def test_the_queries_are_as_many_for_three_rows_as_for_one(path: str, birch: Birch) -> None:
    client = browser(birch)
    make_problem(birch)
    client.get(path)
    with counted() as one:
        client.get(path)
    for number in ("1002", "1003"):
        make_lot(birch.firm_id, make_account(birch.firm_id, birch.household, number=number), "BND", "5", basis="1")
        make_problem(birch)
    with counted() as three:
        client.get(path)
    assert three == one


def test_the_queries_of_an_account_do_not_grow_with_its_lots(birch: Birch) -> None:
    client, path = browser(birch), reverse("account", args=[birch.account.pk])
    client.get(path)
    with counted() as few:
        client.get(path)
    for number, symbol in enumerate(("VEA", "ITOT", "AGG")):
        make_lot(birch.firm_id, birch.account, symbol, "5", basis="100", key=f"L{number}")
    with counted() as more:
        client.get(path)
    assert more == few


def test_a_model_shows_its_parts_and_who_follows_it(birch: Birch) -> None:
    page = page_of(birch, "/models/")
    wanted = ("Growth", "Vanguard FTSE Developed Markets ETF", "18.00%", "100.00%", "1 account")
    assert [word for word in wanted if word not in page] == []


def test_problems_are_counted_and_narrowed_by_kind(birch: Birch) -> None:
    make_problem(birch)
    client = browser(birch)
    all_of_them, none = client.get("/problems/").content.decode(), client.get("/problems/?kind=OTHER").content.decode()
    assert ("A lot of VTI has no basis." in all_of_them, "A lot of VTI has no basis." in none) == (True, False)
    assert '<span class="badge">1</span>' in all_of_them


def test_a_refused_file_and_a_row_set_aside_say_why(birch: Birch) -> None:
    file = FeedFile.objects.for_firm(birch.firm_id).create(
        layout="schwab_positions", name="bad.csv", sha256="0" * 64, size=1, status="REFUSED",
        refusal="The total does not foot.", received_at=NOW,
    )  # fmt: skip
    FeedRow.objects.for_firm(birch.firm_id).create(
        file=file, row_number=7, code="BAD_NUMBER", sentence="Row 7: 12,3,4 is no number."
    )
    page = page_of(birch, "/problems/")
    wanted = ("bad.csv", "The total does not foot.", "Row 7: 12,3,4 is no number.", "Refused")
    assert [word for word in wanted if word not in page] == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("/problems/", "No open problem", id="no problems"),
        pytest.param("/orders/", "No orders yet", id="no orders"),
        pytest.param("/worklist/", "has not been scanned yet", id="no scan"),
    ],
)
def test_an_empty_page_says_so(path: str, says: str, birch: Birch) -> None:
    assert says in page_of(birch, path)
