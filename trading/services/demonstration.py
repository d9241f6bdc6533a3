"""Loading the demonstration: made-up firms, whose holdings come in through the same feeds as a real firm's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from accounts.models import Account, AuditEvent, Custodian
from accounts.selectors.members import firm_by_slug
from accounts.services import audit, onboarding
from accounts.tenancy import firm_scope
from portfolios.models import CashBalance, Position, Price, SecurityKind
from portfolios.selectors.demo import DEMO_PASSWORD, STAFF
from portfolios.services import feeds, market_data
from portfolios.services.models import Part, assign_households, publish_model
from rebalancer.demo.book import DemoBook, DemoFirm, DemoHousehold
from trading.connections import SIMULATOR, simulator_credentials
from trading.models import BrokerConnection
from trading.services.demonstration_wishes import ACTOR, load_alternates, load_wishes

CUSTODIANS = {"SCHWAB": "Schwab", "FIDELITY": "Fidelity", "IBKR": "Interactive Brokers"}
FOLLOWED_FOR = timedelta(days=800)
SIMULATOR_SECONDS = 60.0


class FeedRefused(RuntimeError):
    """One of the demonstration's own files could not be read back."""


def is_loaded(slugs: list[str]) -> bool:
    """Whether every firm was loaded to the end."""
    return all(_was_loaded(slug) for slug in slugs)


def load_market(book: DemoBook) -> None:
    """The security master and the simulated market's prices."""
    market_data.load_asset_classes((row.code, row.name, row.position) for row in book.asset_classes)
    market_data.load_wash_groups((row.code, row.name, row.rationale) for row in book.wash_groups)
    market_data.load_securities(
        market_data.SecurityRow(
            symbol=row.symbol,
            cusip=row.cusip,
            name=row.name,
            kind=row.kind,
            asset_class=row.asset_class,
            wash_group=row.wash_group,
        )
        for row in book.securities
    )
    market_data.load_quotes(
        (
            market_data.QuoteRow(
                symbol=row.symbol,
                priced_on=row.priced_on,
                close=row.close,
                bid=row.bid,
                ask=row.ask,
                adv_shares=row.adv_shares,
            )
            for row in book.quotes
        ),
        source="SIMULATED",
    )
    onboarding.open_custodians(names=CUSTODIANS)


def load_people(firm: DemoFirm, *, as_of: date, at: datetime) -> int:
    """A firm with its people, households, models and settings; gives back its id."""
    firm_id = onboarding.open_firm(slug=firm.slug, name=firm.name)
    with firm_scope(firm_id):
        advisers = onboarding.add_members(
            firm_id=firm_id,
            members=[onboarding.NewMember(email=row.email, name=row.name, role="ADVISER") for row in firm.advisers],
            password=DEMO_PASSWORD,
        )
        households = onboarding.write_households(
            firm_id=firm_id,
            rows=[
                onboarding.HouseholdRow(
                    external_id=row.external_id, name=row.name, adviser_id=advisers[row.adviser_email.lower()]
                )
                for row in firm.households
            ],
        )
        own = households[_of_the_client(firm).external_id]
        onboarding.add_members(firm_id=firm_id, members=list(_staff(firm, own)), password=DEMO_PASSWORD)
        onboarding.write_tax_profiles(
            firm_id=firm_id,
            rows=[
                onboarding.TaxProfileRow(
                    household_id=households[row.external_id],
                    filing_status=row.filing_status,
                    short_rate=row.short_rate,
                    long_rate=row.long_rate,
                    tax_year=as_of.year,
                    realised_short=row.realised_short,
                    realised_long=row.realised_long,
                    gain_budget=row.gain_budget,
                    tax_budget=row.tax_budget,
                )
                for row in firm.households
            ],
        )
        _load_models(firm_id, firm, households, as_of, at)
    return firm_id


def _of_the_client(firm: DemoFirm) -> DemoHousehold:
    """The household of the client who can be signed in as: one that has drifted, so that there is something to tell."""
    drifted = (one for one in firm.households if all("DRIFTED" in account.situations for account in one.accounts))
    return next(drifted, firm.households[0])


def _staff(firm: DemoFirm, household_id: int) -> Iterator[onboarding.NewMember]:
    for role, name in STAFF:
        email = f"{role.lower().replace('_', '-')}@{firm.slug}.example"
        own = household_id if role == "CLIENT" else None
        yield onboarding.NewMember(email=email, name=name, role=role, household_id=own)


def _load_models(firm_id: int, firm: DemoFirm, households: Any, as_of: date, at: datetime) -> None:
    since = as_of - FOLLOWED_FOR
    ids = {}
    for model in sorted(firm.models, key=lambda one: any(node.child for node in one.nodes)):
        parts = [
            Part(weight=node.weight, symbol=node.symbol, model_code=node.child, is_cash=node.is_cash)
            for node in model.nodes
        ]
        version = publish_model(
            firm_id=firm_id, code=model.code, name=model.name, parts=parts, effective_on=since, at=at, by=ACTOR
        )
        ids[model.code] = version.target_model_id
        load_alternates(firm_id, model, version.target_model_id, at)
    followed = {households[row.external_id]: ids[row.model_code] for row in firm.households}
    assign_households(firm_id=firm_id, models=followed, on=since, at=at, by=ACTOR)


def load_files(firm_id: int, files: list[tuple[str, Path]], *, at: datetime) -> Iterator[feeds.FeedOutcome]:
    """Read the firm's files through the true feeds, in order.

    :raises FeedRefused: if one is refused as a whole
    """
    for layout, path in files:
        outcome = feeds.import_file(
            firm_id=firm_id, layout=layout, name=path.name, content=path.read_bytes(), at=at, actor=ACTOR
        )
        if outcome.status == "REFUSED":
            raise FeedRefused(f"{path.name}: {outcome.sentence}")
        yield outcome


def connect(firm_id: int, slug: str) -> None:
    """A line to the simulated custodian for each custodian of the firm, and the firm's book on its other side."""
    with firm_scope(firm_id):
        lines = {custodian: _line(firm_id, slug, custodian) for custodian in Custodian.objects.order_by("code")}
        payload = {
            "if_absent": True,
            "keys": [
                dict(zip(("key_id", "secret"), simulator_credentials(ref), strict=True)) for ref in lines.values()
            ],
            "prices": list(_quotes()),
            "accounts": list(_custodians_view(firm_id, {one.pk: ref for one, ref in lines.items()})),
        }
    answer = httpx.post(
        f"{settings.SIMULATOR_URL}/simulator/load",
        json=payload,
        headers={"APCA-API-KEY-ID": settings.SIMULATOR_KEY_ID, "APCA-API-SECRET-KEY": settings.SIMULATOR_SECRET},
        timeout=SIMULATOR_SECONDS,
    )
    answer.raise_for_status()


def _line(firm_id: int, slug: str, custodian: Custodian) -> str:
    ref = f"{slug}-{custodian.code.lower()}"
    BrokerConnection.objects.for_firm(firm_id).get_or_create(
        custodian=custodian,
        environment=SIMULATOR,
        defaults={"adapter": SIMULATOR, "credentials_ref": ref, "capabilities": {"always_open": True}},
    )
    return ref


def _quotes() -> Iterator[dict[str, Any]]:
    newest = Price.objects.order_by("security_id", "-priced_on").distinct("security_id").select_related("security")
    for row in newest:
        if row.security.kind != SecurityKind.SWEEP:
            yield {"symbol": row.security.symbol, "bid": str(row.bid), "ask": str(row.ask), "name": row.security.name}


def _custodians_view(firm_id: int, refs: dict[int, str]) -> Iterator[dict[str, Any]]:
    held: dict[int, list[dict[str, str]]] = {}
    positions = Position.objects.for_firm(firm_id).filter(quantity__gt=0).select_related("security")
    for row in positions.order_by("account_id", "security_id"):
        if row.security.kind != SecurityKind.SWEEP:
            held.setdefault(row.account_id, []).append({"symbol": row.security.symbol, "qty": str(row.quantity)})
    cash = {row.account_id: row.settled + row.unsettled for row in CashBalance.objects.for_firm(firm_id)}
    for account in Account.objects.for_firm(firm_id).order_by("id"):
        yield {
            "account_number": account.number,
            "key_id": simulator_credentials(refs[account.custodian_id])[0],
            "cash": str(cash.get(account.pk, Decimal(0))),
            "positions": held.get(account.pk, []),
        }


def mark_loaded(firm_id: int, *, at: datetime) -> None:
    with firm_scope(firm_id):
        audit.record(firm_id=firm_id, at=at, actor=ACTOR, action="DEMO_LOADED", subject="firm", subject_id=firm_id)


def _was_loaded(slug: str) -> bool:
    firm = firm_by_slug(slug)
    if firm is None:
        return False
    with firm_scope(firm.pk):
        return AuditEvent.objects.for_firm(firm.pk).filter(action="DEMO_LOADED").exists()


def load(book: DemoBook, *, at: datetime, tell: Callable[[str], None]) -> None:
    """Load every firm of the book, a step at a time. A step that was done before changes nothing."""
    tell("security master and simulated prices")
    load_market(book)
    for firm in book.firms:
        tell(f"{firm.name}: people, households, models")
        firm_id = load_people(firm, as_of=book.as_of, at=at)
        files = [(file.layout, file.path) for file in book.files if file.firm_slug == firm.slug]
        for outcome in load_files(firm_id, files, at=at):
            tell(f"{firm.name}: {outcome.name}, {outcome.applied_count:,} rows, {outcome.set_aside_count} set aside")
        load_wishes(firm_id, firm, as_of=book.as_of, at=at)
        tell(f"{firm.name}: accounts opened at the simulated custodian")
        connect(firm_id, firm.slug)
        mark_loaded(firm_id, at=at)
