"""Factories for the rows that tests stand on: plain `make_*` functions, and the two firms made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import make_password

from accounts.models import (
    TAX_STATUS_OF,
    Account,
    Custodian,
    Firm,
    Household,
    Membership,
    Registration,
    TaxProfile,
    User,
)
from accounts.selectors.members import Member, firm_by_slug, memberships_of_user
from accounts.tenancy import firm_scope
from portfolios.models import (
    CashBalance,
    HoldRange,
    Lot,
    ModelAlternate,
    ModelAssignment,
    ModelNode,
    ModelVersion,
    Position,
    Security,
    TargetModel,
)
from tests.reference import PRICED_ON

NOW = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
TODAY = PRICED_ON
PASSWORD = "correct horse battery staple"
MODEL = {"VTI": "0.50", "VEA": "0.18", "BND": "0.30"}


@dataclass(frozen=True, slots=True)
class World:
    """A firm with a member of each role, one household, one model and one taxable account that is off its targets."""

    firm_id: int
    slug: str
    members: Mapping[str, Member]
    household: Household
    model: TargetModel
    version: ModelVersion
    account: Account
    others: list[Account] = field(default_factory=list)

    @contextmanager
    def scope(self) -> Iterator[None]:
        with firm_scope(self.firm_id):
            yield

    @property
    def adviser(self) -> Member:
        return self.members["ADVISER"]


Birch = World
Cedar = World


@cache
def password_hash() -> str:
    """Hashed once a run: the hash is slow on purpose."""
    return make_password(PASSWORD)


def make_member(firm: Firm, role: str, *, household: Household | None = None, name: str = "") -> Member:
    email = f"{(name or role).lower().replace('_', '-')}@{firm.slug}.example"
    user = User.objects.create(email=email, password=password_hash(), name=name or f"{role} of {firm.name}")
    Membership.objects.for_firm(firm.pk).create(user=user, role=role, household=household)
    return memberships_of_user(user.pk)[0]


def make_household(firm_id: int, *, name: str = "Alder", adviser_id: int | None = None) -> Household:
    household = Household.objects.for_firm(firm_id).create(name=name, external_id=f"HH-{name}", adviser_id=adviser_id)
    TaxProfile.objects.for_firm(firm_id).create(
        household=household, short_rate=Decimal("0.408"), long_rate=Decimal("0.238"), tax_year=2026
    )
    return household


def make_account(
    firm_id: int,
    household: Household,
    *,
    number: str = "1001",
    registration: str = Registration.INDIVIDUAL,
    custodian: str = "SCHWAB",
    cash: str = "2000.00",
) -> Account:
    account = Account.objects.for_firm(firm_id).create(
        household=household,
        custodian=Custodian.objects.get(code=custodian),
        number=number,
        name=f"{household.name} {registration.title()}",
        registration=registration,
        tax_status=TAX_STATUS_OF[Registration(registration)],
    )
    CashBalance.objects.for_firm(firm_id).create(account=account, settled=Decimal(cash), reported_on=TODAY)
    return account


def make_lot(
    firm_id: int,
    account: Account,
    symbol: str,
    quantity: str,
    *,
    basis: str | None,
    acquired_on: date = date(2021, 3, 3),
    key: str = "",
) -> Lot:
    """A lot, and its shares added to the account's position."""
    security = Security.objects.get(symbol=symbol)
    position, _ = Position.objects.for_firm(firm_id).get_or_create(
        account=account, security=security, defaults={"quantity": Decimal(0), "reported_on": TODAY}
    )
    position.quantity += Decimal(quantity)
    position.save()
    return Lot.objects.for_firm(firm_id).create(
        account=account,
        security=security,
        lot_key=key or f"{symbol}-{acquired_on}-{quantity}",
        acquired_on=acquired_on,
        quantity=Decimal(quantity),
        cost_basis=None if basis is None else Decimal(basis),
    )


def make_model(
    firm_id: int, weights: Mapping[str, str], *, code: str = "GROWTH", cash: str = "0.02", on: date = date(2026, 1, 2)
) -> tuple[TargetModel, ModelVersion]:
    model = TargetModel.objects.for_firm(firm_id).create(code=code, name=code.title())
    version = ModelVersion.objects.for_firm(firm_id).create(
        target_model=model, number=1, effective_on=on, published_at=NOW
    )
    ModelNode.objects.for_firm(firm_id).bulk_create(
        [
            ModelNode(version=version, security=Security.objects.get(symbol=symbol), weight=Decimal(weight))
            for symbol, weight in weights.items()
        ]
        + [ModelNode(version=version, is_cash=True, weight=Decimal(cash))]
    )
    return model, version


def make_assignment(firm_id: int, household: Household, model: TargetModel, *, on: date = date(2026, 1, 2)) -> None:
    ModelAssignment.objects.for_firm(firm_id).create(household=household, target_model=model, assigned_on=on)


def make_range(
    account: Account, symbol: str, unit: str = "SHARES", *, lowest: str | None = None, highest: str | None = None
) -> HoldRange:
    return HoldRange.objects.for_firm(account.firm_id).create(
        account=account,
        security=Security.objects.get(symbol=symbol),
        unit=unit,
        lowest=None if lowest is None else Decimal(lowest),
        highest=None if highest is None else Decimal(highest),
        reason="The client's wish",
    )


def make_alternate(model: TargetModel, symbol: str, alternate: str, *, rank: int = 1) -> ModelAlternate:
    return ModelAlternate.objects.for_firm(model.firm_id).create(
        target_model=model,
        security=Security.objects.get(symbol=symbol),
        alternate=Security.objects.get(symbol=alternate),
        rank=rank,
    )


def make_world(slug: str) -> World:
    firm = firm_by_slug(slug)
    assert firm is not None
    with firm_scope(firm.pk):
        staff = {
            role: make_member(firm, role)
            for role in ("OWNER", "MODEL_MANAGER", "ADVISER", "TRADER", "COMPLIANCE", "OPERATIONS", "READ_ONLY")
        }
        household = make_household(firm.pk, adviser_id=staff["ADVISER"].id)
        staff["CLIENT"] = make_member(firm, "CLIENT", household=household)
        model, version = make_model(firm.pk, MODEL)
        make_assignment(firm.pk, household, model)
        account = make_account(firm.pk, household)
        make_lot(firm.pk, account, "VTI", "200", basis="40000.00")
        make_lot(firm.pk, account, "VTI", "50", basis="16000.00", acquired_on=date(2026, 3, 2))
        make_lot(firm.pk, account, "BND", "150", basis="12000.00")
        return World(firm.pk, slug, staff, household, model, version, account)


def make_birch() -> Birch:
    return make_world("birch")


def make_cedar() -> Cedar:
    return make_world("cedar")
