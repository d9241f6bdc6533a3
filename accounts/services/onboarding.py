"""Opening firms, people, households, clients and accounts. Many at once, and twice does no harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from accounts.models import (
    TAX_STATUS_OF,
    Account,
    Client,
    Custodian,
    FilingStatus,
    Firm,
    Household,
    Membership,
    Registration,
    User,
)
from accounts.services.upsert import Outcome, Table, upsert

_HOUSEHOLDS = Table("accounts_household", {"external_id": "varchar"}, {"name": "varchar", "adviser_id": "bigint"})
_CLIENTS = Table("accounts_client", {"external_id": "varchar"}, {"name": "varchar", "household_id": "bigint"})
_ACCOUNTS = Table(
    "accounts_account",
    {"custodian_id": "bigint", "number": "varchar"},
    {
        "household_id": "bigint",
        "client_id": "bigint",
        "name": "varchar",
        "registration": "varchar",
        "tax_status": "varchar",
        "status": "varchar",
    },
)
_TAX_PROFILES = Table(
    "accounts_taxprofile",
    {"household_id": "bigint"},
    {
        "filing_status": "varchar",
        "short_rate": "numeric(6,4)",
        "long_rate": "numeric(6,4)",
        "tax_year": "smallint",
        "realised_short": "numeric(20,2)",
        "realised_long": "numeric(20,2)",
        "realised_on": "date",
        "gain_budget": "numeric(20,2)",
        "tax_budget": "numeric(20,2)",
        "netting": "boolean",
        "ordinary_rate": "numeric(6,4)",
        "carried_worth": "numeric(6,4)",
    },
    fixed={"carryover_short": "0", "carryover_long": "0"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """A person and his role in a firm; a client names his household."""

    email: str
    name: str
    role: str
    household_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdRow:
    external_id: str
    name: str
    adviser_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    external_id: str
    name: str
    household_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """The tax status follows from the registration."""

    custodian_id: int
    number: str
    household_id: int
    client_id: int | None
    name: str
    registration: str
    status: str = Account.Status.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxProfileRow:
    """Rates are fractions, federal and state together; gains are what is realised so far in the tax year, dollars.

    What `realised_on`, the budgets and the rest mean stands with `accounts.models.TaxProfile`.
    """

    household_id: int
    filing_status: str = FilingStatus.MARRIED_JOINT
    short_rate: Decimal
    long_rate: Decimal
    tax_year: int
    realised_short: Decimal = Decimal(0)
    realised_long: Decimal = Decimal(0)
    realised_on: date | None = None
    gain_budget: Decimal | None = None
    tax_budget: Decimal | None = None
    netting: bool = False
    ordinary_rate: Decimal | None = None
    carried_worth: Decimal = Decimal(0)


def open_firm(*, slug: str, name: str) -> int:
    """The firm's id, made by the installation's operator; a firm of that slug stays as it is."""
    firm, _ = Firm.objects.using("owner").get_or_create(slug=slug, defaults={"name": name})
    return firm.pk


def open_custodians(*, names: Mapping[str, str]) -> Mapping[str, int]:
    """The custodians' ids by code (in capitals), made by the installation's operator; names by code."""
    custodians = Custodian.objects.using("owner")
    return {code: custodians.update_or_create(code=code, defaults={"name": name})[0].pk for code, name in names.items()}


def add_members(*, firm_id: int, members: Sequence[NewMember], password: str) -> Mapping[str, int]:
    """The memberships' ids by e-mail; who is new gets the password, who is there already keeps his own and his role."""
    emails = [member.email.lower() for member in members]
    known = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    new = [member for member in members if member.email.lower() not in known]
    if new:
        secret = make_password(password)
        User.objects.bulk_create(
            [User(email=member.email.lower(), name=member.name, password=secret) for member in new],
            ignore_conflicts=True,
        )
    users = dict(User.objects.filter(email__in=emails).values_list("email", "id"))
    memberships = Membership.objects.for_firm(firm_id)
    memberships.bulk_create(
        [
            Membership(user_id=users[member.email.lower()], role=member.role, household_id=member.household_id)
            for member in members
        ],
        ignore_conflicts=True,
    )
    return dict(memberships.filter(user__in=users.values()).values_list("user__email", "id"))


def write_households(*, firm_id: int, rows: Sequence[HouseholdRow]) -> Mapping[str, int]:
    """Open or change households, each once; the ids of these by external id."""
    upsert(_HOUSEHOLDS, firm_id, [(row.external_id, row.name, row.adviser_id) for row in rows])
    wanted = Household.objects.for_firm(firm_id).filter(external_id__in=[row.external_id for row in rows])
    return dict(wanted.values_list("external_id", "id"))


def write_clients(*, firm_id: int, rows: Sequence[ClientRow]) -> Mapping[str, int]:
    """Enter or change clients, each once; the ids of these by external id."""
    upsert(_CLIENTS, firm_id, [(row.external_id, row.name, row.household_id) for row in rows])
    wanted = Client.objects.for_firm(firm_id).filter(external_id__in=[row.external_id for row in rows])
    return dict(wanted.values_list("external_id", "id"))


def write_accounts(*, firm_id: int, rows: Sequence[AccountRow]) -> list[Outcome]:
    """Open or change accounts, each once; what became of each, in order."""
    return upsert(
        _ACCOUNTS,
        firm_id,
        [
            (
                row.custodian_id,
                row.number,
                row.household_id,
                row.client_id,
                row.name,
                row.registration,
                TAX_STATUS_OF[Registration(row.registration)],
                row.status,
            )
            for row in rows
        ],
    )


def write_tax_profiles(*, firm_id: int, rows: Sequence[TaxProfileRow]) -> list[Outcome]:
    """Set the tax profiles of households, each once; losses carried over stay as they are."""
    return upsert(
        _TAX_PROFILES,
        firm_id,
        [
            (
                row.household_id,
                row.filing_status,
                row.short_rate,
                row.long_rate,
                row.tax_year,
                row.realised_short,
                row.realised_long,
                row.realised_on,
                row.gain_budget,
                row.tax_budget,
                row.netting,
                row.ordinary_rate,
                row.carried_worth,
            )
            for row in rows
        ],
    )
