"""The book that the journeys walk through, written into the database of the environment by a process of its own.

`python -m tests.journeys.book` makes Birch with six households, prices of today, and its accounts at the simulator.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.worlds import World

MODEL_WEIGHTS = {"VTI": Decimal("0.50"), "VEA": Decimal("0.18"), "BND": Decimal("0.30")}
CENT = Decimal("0.01")
TWO_PAIRS_OF_EYES = "[approval]\nfour_eyes_turnover = 1000\n"
TOGETHER = "[trading]\njoint = true\n"
MANY = 199


def build() -> None:
    """Alder is far off its targets, Cherry too and needs two approvers, Fir is all cash, Elm on plan.

    Gum has gains that less tax would not realise, and a lot at a loss. The accounts of Oak follow the model together.
    Cedar has two hundred households that all hold too much of one fund.
    """
    from django.utils import timezone

    from portfolios.models import DataProblem
    from portfolios.selectors.days import book_day
    from portfolios.services.policies import publish_policy
    from tests.worlds import make_account, make_assignment, make_birch, make_cedar, make_household, make_lot

    now = timezone.now()
    today = book_day(timezone.localdate(now))
    prices = fresh_prices(today)
    many_households(make_cedar(), prices)
    birch = make_birch()
    with birch.scope():
        roth = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA", cash="900.00")
        make_lot(birch.firm_id, roth, "VTI", "40", basis="8000.00")
        cherry = make_household(birch.firm_id, name="Cherry", adviser_id=birch.adviser.id)
        make_assignment(birch.firm_id, cherry, birch.model)
        joint = make_account(birch.firm_id, cherry, number="2001", registration="JOINT", cash="60000.00")
        make_lot(birch.firm_id, joint, "VTI", "100", basis="31000.00")
        publish_policy(firm_id=birch.firm_id, toml=TWO_PAIRS_OF_EYES, at=now, by="test", household_id=cherry.pk)
        fir = make_household(birch.firm_id, name="Fir", adviser_id=birch.adviser.id)
        make_assignment(birch.firm_id, fir, birch.model)
        make_account(birch.firm_id, fir, number="4001", cash="25000.00")
        gum = make_household(birch.firm_id, name="Gum", adviser_id=birch.adviser.id)
        make_assignment(birch.firm_id, gum, birch.model)
        single = make_account(birch.firm_id, gum, number="5001", cash="600.00")
        make_lot(birch.firm_id, single, "VTI", "100", basis=str(100 * prices["VTI"] / 3))
        lately = today - timedelta(days=90)
        make_lot(birch.firm_id, single, "VTI", "20", basis=str(22 * prices["VTI"]), acquired_on=lately)
        elm = make_household(birch.firm_id, name="Elm", adviser_id=birch.adviser.id)
        make_assignment(birch.firm_id, elm, birch.model)
        trust = make_account(birch.firm_id, elm, number="3001", registration="TRUST", cash="2000.00")
        for symbol, weight in MODEL_WEIGHTS.items():
            shares = int(100_000 * weight / prices[symbol])
            make_lot(birch.firm_id, trust, symbol, str(shares), basis=str(shares * prices[symbol]))
        DataProblem.objects.for_firm(birch.firm_id).create(
            account=trust,
            code="MISSING_BASIS",
            source="TEST",
            sentence="A lot of BND came without its cost basis.",
            opened_at=now,
        )
        oak = make_household(birch.firm_id, name="Oak", adviser_id=birch.adviser.id)
        make_assignment(birch.firm_id, oak, birch.model)
        taxed = make_account(birch.firm_id, oak, number="6001", cash="1500.00")
        make_lot(birch.firm_id, taxed, "VTI", "300", basis=str(150 * prices["VTI"]))
        ira = make_account(birch.firm_id, oak, number="6002", registration="ROTH_IRA", cash="700.00")
        make_lot(birch.firm_id, ira, "BND", "200", basis="15000.00")
        make_lot(birch.firm_id, ira, "VTI", "60", basis="12000.00")
        publish_policy(firm_id=birch.firm_id, toml=TOGETHER, at=now, by="test", household_id=oak.pk)
        open_accounts(birch.firm_id, birch.account.custodian_id, prices)


def many_households(cedar: World, prices: dict[str, Decimal]) -> None:
    """Two hundred households of Cedar, with the one it has, each far off its targets."""
    from accounts.models import Account
    from tests.worlds import make_account, make_assignment, make_household, make_lot

    with cedar.scope():
        Account.objects.for_firm(cedar.firm_id).filter(pk=cedar.account.pk).update(number="C0")
        for number in range(1, MANY + 1):
            household = make_household(cedar.firm_id, name=f"Family {number:03}", adviser_id=cedar.adviser.id)
            make_assignment(cedar.firm_id, household, cedar.model)
            account = make_account(cedar.firm_id, household, number=f"C{number}", cash="2000.00")
            make_lot(cedar.firm_id, account, "VTI", "60", basis=str(60 * prices["VTI"]))
        open_accounts(cedar.firm_id, cedar.account.custodian_id, prices)


def fresh_prices(today: date) -> dict[str, Decimal]:
    """Price the security master today, as the reference prices stand: proposals are only made at fresh prices."""
    from portfolios.models import Price, Security

    closes = {}
    for security in Security.objects.order_by("id"):
        newest = (
            Price.objects.filter(security=security).order_by("-priced_on").values("close", "bid", "ask", "adv_shares")
        )
        quote = newest[0]
        closes[security.symbol] = quote["close"]
        Price.objects.using("owner").get_or_create(
            security_id=security.pk, priced_on=today, defaults={**quote, "source": "TEST"}
        )
    return closes


def open_accounts(firm_id: int, custodian_id: int, prices: dict[str, Decimal]) -> None:
    """Connect the firm to the simulator, where its accounts hold what its books say."""
    import httpx
    from django.conf import settings

    from accounts.models import Account
    from portfolios.models import CashBalance, Position
    from trading.connections import simulator_credentials
    from trading.models import BrokerConnection

    connection = BrokerConnection.objects.for_firm(firm_id).create(
        custodian_id=custodian_id,
        adapter="SIMULATOR",
        environment="SIMULATOR",
        credentials_ref=f"firm-{firm_id}-schwab",
        capabilities={"always_open": True},
    )
    key_id, secret = simulator_credentials(connection.credentials_ref)
    accounts = [
        {
            "account_number": account.number,
            "key_id": key_id,
            "cash": str(CashBalance.objects.for_firm(firm_id).get(account=account).settled),
            "positions": [
                {"symbol": position.security.symbol, "qty": f"{position.quantity:f}"}
                for position in Position.objects.for_firm(firm_id).filter(account=account).select_related("security")
            ],
        }
        for account in Account.objects.for_firm(firm_id).order_by("id")
    ]
    answer = httpx.post(
        f"{settings.SIMULATOR_URL}/simulator/load",
        headers={"APCA-API-KEY-ID": settings.SIMULATOR_KEY_ID, "APCA-API-SECRET-KEY": settings.SIMULATOR_SECRET},
        json={
            "keys": [{"key_id": key_id, "secret": secret}],
            "prices": [
                {"symbol": symbol, "bid": str(close - CENT), "ask": str(close + CENT)}
                for symbol, close in prices.items()
            ],
            "accounts": accounts,
        },
        timeout=10,
    )
    answer.raise_for_status()


if __name__ == "__main__":
    django.setup()
    build()
