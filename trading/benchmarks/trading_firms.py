"""Two firms at one custodian, with accounts that buy and sell what was approved: to be measured, or drilled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Custodian, Firm, Household, Membership, Registration, TaxStatus, User
from accounts.roles import Role
from accounts.tenancy import firm_scope
from portfolios.models import (
    AssetClass,
    CashBalance,
    Lot,
    ModelVersion,
    Policy,
    Position,
    Price,
    Scan,
    Security,
    TargetModel,
    WashGroup,
)
from rebalancer.engine.calendars import is_session, previous_session
from trading.connections import SIMULATOR, simulator_credentials
from trading.models import Approval, BrokerConnection, Proposal, ProposalAccount
from trading.packing import digest
from trading.services.orders import draft_orders, stage_drafts, stage_orders
from trading.tasks.orders import nudge_orders

SECURITIES = 12
HELD = 6
"""An account sells of the first securities and buys of the others."""
TRADES_AN_ACCOUNT = 4
CASH = Decimal(100_000)
SHARES_A_LOT = Decimal(60)
ZERO = Decimal(0)
APPROVER = "adviser@drill.example"


@dataclass(slots=True)
class TradingFirm:
    """A firm, and the accounts whose proposals are still to be approved."""

    firm_id: int
    slug: str
    connection_id: int
    member_id: int
    version_id: int
    scan_id: int
    accounts: Iterator[Account]
    securities: list[Security] = field(default_factory=list)


def make_world(*, seed: int, orders: int, blocks: bool = False) -> list[TradingFirm]:
    """Two firms with accounts enough for so many orders; shared tables are written by the owner role.

    With `blocks` the second trades for its accounts together.
    """
    chance = Random(f"{seed}:world")  # noqa: S311 - a drill, not a secret
    with transaction.atomic(using="owner"):
        Custodian.objects.using("owner").create(code="DRILL", name="Drill Custody")
        _securities(chance)
        firms = [
            Firm.objects.using("owner").create(name=f"Drill {name}", slug=f"drill-{name.lower()}")
            for name in ("Oak", "Pine")
        ]
    custodian, securities = Custodian.objects.get(code="DRILL"), list(Security.objects.order_by("id"))
    # Approvals in parts leave the last account of each part with fewer trades.
    accounts = -(-orders // (TRADES_AN_ACCOUNT * len(firms))) + orders // 50 + 2
    found = [_firm(firm, custodian, securities, accounts) for firm in firms]
    if blocks:
        _trade_in_blocks(found[-1])
    return found


def _trade_in_blocks(firm: TradingFirm) -> None:
    with firm_scope(firm.firm_id):
        connection = BrokerConnection.objects.for_firm(firm.firm_id).get(pk=firm.connection_id)
        connection.capabilities = {**connection.capabilities, "block_account": f"{firm.slug}-AVERAGE"}
        connection.save(update_fields=["capabilities"])
        Policy.objects.for_firm(firm.firm_id).create(
            level="FIRM",
            version=1,
            toml="[execution]\nblock_window_minutes = 0\n",
            created_by="drill",
            created_at=timezone.now(),
        )


def custodian_book(firms: list[TradingFirm]) -> dict[str, Any]:
    """What the simulator loads, so that both sides begin alike."""
    keys, accounts = [], []
    for firm in firms:
        with firm_scope(firm.firm_id):
            connection = BrokerConnection.objects.for_firm(firm.firm_id).get(pk=firm.connection_id)
            key_id, secret = simulator_credentials(connection.credentials_ref)
            keys.append({"key_id": key_id, "secret": secret})
            held: dict[int, list[dict[str, str]]] = {}
            positions = Position.objects.for_firm(firm.firm_id).select_related("security").order_by("id")
            for row in positions:
                held.setdefault(row.account_id, []).append({"symbol": row.security.symbol, "qty": f"{row.quantity:f}"})
            accounts += [
                {"account_number": row.number, "key_id": key_id, "cash": str(CASH), "positions": held[row.pk]}
                for row in Account.objects.for_firm(firm.firm_id).order_by("id")
            ]
            pool = connection.capabilities.get("block_account")
            if pool:
                accounts.append({"account_number": pool, "key_id": key_id, "cash": "0", "kind": "AVERAGE_PRICE"})
    prices = [
        {"symbol": price.security.symbol, "bid": f"{price.bid:f}", "ask": f"{price.ask:f}", "last": f"{price.close:f}"}
        for price in Price.objects.select_related("security").order_by("id")
    ]
    return {"keys": keys, "prices": prices, "accounts": accounts}


def approve(firm: TradingFirm, *, orders: int, chance: Random, at: datetime) -> int:
    """Approve proposals of a firm, stage their orders and wake a worker for each, until there are so many."""
    for proposal in prepare(firm, orders=orders, chance=chance, at=at):
        stage(firm, proposal, at=at)
        nudge_orders(firm.firm_id)
    return orders


def prepare(firm: TradingFirm, *, orders: int, chance: Random, at: datetime, mixed: bool = True) -> list[Proposal]:
    """Approved proposals whose orders, so many in all, are still to be made.

    Unless they are `mixed`, an account only sells or only buys, so that no order waits for another.
    """
    with firm_scope(firm.firm_id):
        prices = dict(Price.objects.values_list("security_id", "close"))
        found: list[Proposal] = []
        left = orders
        while left > 0:
            count = min(TRADES_AN_ACCOUNT, left)
            account = next(firm.accounts)
            sales = (count + 1) // 2 if mixed else count * (len(found) % 2)
            trades = _trades(firm, account, sales, count - sales, chance, prices)
            found.append(_proposal(firm, account, trades, at))
            left -= count
        return found


def stage(firm: TradingFirm, proposal: Proposal, *, at: datetime) -> None:
    """Make the orders of an approved proposal, in a transaction of its own."""
    with firm_scope(firm.firm_id):
        stage_orders(firm_id=firm.firm_id, proposal=proposal, approved_by=APPROVER, at=at)


def stage_together(firm: TradingFirm, proposals: Sequence[Proposal], *, at: datetime) -> None:
    """Make the orders of approved proposals, in one transaction for all of them, as an approval of many does."""
    with firm_scope(firm.firm_id):
        drafts = draft_orders(firm_id=firm.firm_id, proposals=proposals)
        stage_drafts(firm_id=firm.firm_id, proposals=proposals, drafts=drafts, approved_by=APPROVER, at=at)


def _securities(chance: Random) -> None:
    kind = AssetClass.objects.using("owner").create(code="DRILL", name="Drill", position=1)
    for number in range(1, SECURITIES + 1):
        group = WashGroup.objects.using("owner").create(code=f"DRILL{number}", name=f"Drill {number}", rationale="Own.")
        security = Security.objects.using("owner").create(
            symbol=f"DRL{number}", name=f"Drill {number}", kind="ETF", asset_class=kind, wash_group=group
        )
        close = Decimal(chance.randint(2000, 20000)) / 100
        Price.objects.using("owner").create(
            security=security,
            priced_on=_priced_on(timezone.localdate()),
            close=close,
            bid=close - Decimal("0.01"),
            ask=close + Decimal("0.01"),
            adv_shares=5_000_000,
            source="DRILL",
        )


def _priced_on(today: date) -> date:
    return today if is_session(today) else previous_session(today)


def _firm(firm: Firm, custodian: Custodian, securities: list[Security], accounts: int) -> TradingFirm:
    with firm_scope(firm.pk):
        now = timezone.now()
        user = User.objects.create(email=f"adviser@{firm.slug}.example", name="Drill Adviser")
        member = Membership.objects.for_firm(firm.pk).create(user=user, role=Role.ADVISER)
        connection = BrokerConnection.objects.for_firm(firm.pk).create(
            custodian=custodian,
            adapter=SIMULATOR,
            environment=SIMULATOR,
            credentials_ref=firm.slug,
            capabilities={"always_open": True},
        )
        model = TargetModel.objects.for_firm(firm.pk).create(code="DRILL", name="Drill")
        version = ModelVersion.objects.for_firm(firm.pk).create(
            target_model=model, number=1, effective_on=date(2026, 1, 2), published_at=now
        )
        scan = Scan.objects.for_firm(firm.pk).create(
            as_of=timezone.localdate(), requested_by="drill", started_at=now, status=Scan.Status.DONE, accounts_total=1
        )
        rows = _accounts(firm, custodian, securities, accounts)
        return TradingFirm(firm.pk, firm.slug, connection.pk, member.pk, version.pk, scan.pk, iter(rows), securities)


def _accounts(firm: Firm, custodian: Custodian, securities: list[Security], count: int) -> list[Account]:
    today = timezone.localdate()
    households = Household.objects.for_firm(firm.pk).bulk_create(
        Household(name=f"Family {number}", external_id=f"H{number}") for number in range(count)
    )
    accounts = Account.objects.for_firm(firm.pk).bulk_create(
        Account(
            household=household,
            custodian=custodian,
            number=f"{firm.slug}-{number}",
            name="Taxable",
            registration=Registration.INDIVIDUAL,
            tax_status=TaxStatus.TAXABLE,
        )
        for number, household in enumerate(households)
    )
    CashBalance.objects.for_firm(firm.pk).bulk_create(
        CashBalance(account=account, settled=CASH, reported_on=today) for account in accounts
    )
    held = [(account, security) for account in accounts for security in securities[:HELD]]
    Position.objects.for_firm(firm.pk).bulk_create(
        Position(account=account, security=security, quantity=2 * SHARES_A_LOT, reported_on=today)
        for account, security in held
    )
    Lot.objects.for_firm(firm.pk).bulk_create(
        Lot(
            account=account,
            security=security,
            lot_key=f"L{number}",
            acquired_on=today - timedelta(days=200 + 400 * number),
            quantity=SHARES_A_LOT,
            cost_basis=SHARES_A_LOT * 50,
        )
        for account, security in held
        for number in range(2)
    )
    return accounts


def _trades(
    firm: TradingFirm, account: Account, sales: int, buys: int, chance: Random, prices: Mapping[int, Decimal]
) -> list[dict[str, Any]]:
    """Sales that name their lots, and purchases that the account's cash pays for whatever happens."""
    sold = chance.sample(firm.securities[:HELD], sales)
    bought = chance.sample(firm.securities[HELD:], buys)
    held = list(Lot.objects.for_firm(firm.firm_id).filter(account=account).order_by("-acquired_on"))
    selling = [_sale([lot for lot in held if lot.security_id == one.pk], one, chance, prices[one.pk]) for one in sold]
    return selling + [_trade("BUY", one, Decimal(chance.randint(1, 60)), [], prices[one.pk]) for one in bought]


def _sale(held: Sequence[Lot], security: Security, chance: Random, price: Decimal) -> dict[str, Any]:
    left, lots = Decimal(chance.randint(1, 100)), []
    quantity = left
    for lot in held:
        taken = min(left, lot.quantity)
        left -= taken
        if taken:
            lots.append({"lot_id": str(lot.pk), "quantity": f"{taken:f}"})
    return _trade("SELL", security, quantity, lots, price)


def _trade(
    side: str, security: Security, quantity: Decimal, lots: list[dict[str, str]], price: Decimal
) -> dict[str, Any]:
    return {
        "symbol": security.symbol,
        "side": side,
        "quantity": f"{quantity:f}",
        "price": f"{price:f}",
        "amount": f"{quantity * price:f}",
        "reason": "DRIFT",
        "sentence": "Back to target.",
        "lots": lots,
    }


def _proposal(firm: TradingFirm, account: Account, trades: list[dict[str, Any]], at: datetime) -> Proposal:
    """A proposal that the firm's adviser has approved as it stands."""
    content = digest(trades)
    proposal = Proposal.objects.for_firm(firm.firm_id).create(
        household_id=account.household_id,
        scan_id=firm.scan_id,
        status=Proposal.Status.APPROVED,
        as_of=timezone.localdate(at),
        created_at=at,
        account_count=1,
        trade_count=len(trades),
        value=ZERO,
        turnover=ZERO,
        drift_before=ZERO,
        drift_after=ZERO,
        gain_short=ZERO,
        gain_long=ZERO,
        tax=ZERO,
        cost=ZERO,
        engine_version="drill",
        inputs_sha256=content,
        content_sha256=content,
    )
    ProposalAccount.objects.for_firm(firm.firm_id).create(
        proposal=proposal,
        account=account,
        model_version_id=firm.version_id,
        trades=trades,
        skipped=[],
        figures={},
        inputs={},
    )
    Approval.objects.for_firm(firm.firm_id).create(
        proposal=proposal,
        member_id=firm.member_id,
        decision=Approval.Decision.APPROVE,
        content_sha256=content,
        decided_at=at,
    )
    return proposal
