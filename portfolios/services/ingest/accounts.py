"""Accounts as a custodian or the firm's own list gives them: opened, changed, never closed by absence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import Account, Client, Household, Registration
from accounts.selectors.members import advisers
from accounts.services.onboarding import (
    AccountRow,
    ClientRow,
    HouseholdRow,
    write_accounts,
    write_clients,
    write_households,
)
from portfolios.feeds.records import AccountRecord
from portfolios.models import ModelAssignment, TargetModel
from portfolios.services.ingest.batch import BAD_VALUE, UNKNOWN_ACCOUNT, UNKNOWN_NAME, Applied, Batch, Result
from portfolios.services.ingest.lookups import AccountKey, account_key, custodian_ids
from portfolios.services.ingest.problems import Found, sync_problems
from portfolios.services.ingest.snapshots import rejected
from portfolios.services.models import assign_households

UNASSIGNED = "UNASSIGNED"
_UNASSIGNED_NAME = "Not yet assigned to a household"
REGISTRATION_UNKNOWN = "REGISTRATION_UNKNOWN"
_ASK_REGISTRATION = (
    "The custodian's file did not give this account's registration, and with it its tax status; load an accounts file "
    "that does before it is traded."
)
_LENGTHS: Mapping[str, int] = {
    "account_number": 32,
    "name": 120,
    "household_id": 64,
    "household_name": 120,
    "client_id": 64,
    "client_name": 120,
}


@dataclass(frozen=True, slots=True)
class _World:
    """What the firm has already, as far as the records speak of it."""

    custodians: Mapping[str, int]
    accounts: Mapping[AccountKey, Account]
    households: Mapping[str, Household]
    clients: Mapping[str, Client]
    advisers: Mapping[str, int]
    models: Mapping[str, int]
    fallback: str


def apply_accounts(batch: Batch, records: Sequence[AccountRecord], *, household: str = "") -> Result:
    """Open or change accounts with their households and clients, in the caller's transaction.

    Blank values leave what is there. A new account without a household goes to the one named (external id), or to
    one that collects what is not yet assigned; without a registration it gets a problem until that is known.
    """
    world = _world(batch, records, household or UNASSIGNED)
    kept, done = _sorted_out(batch, records, world)
    households = _write_households(batch, kept, world)
    clients = _write_clients(batch, kept, world, households)
    rows = [_row(batch, record, world, households, clients) for record in kept]
    outcomes = write_accounts(firm_id=batch.firm_id, rows=rows)
    _assign(batch, kept, world, households)
    done += [
        Applied(record.row_number, record.account_number, record.name, outcome)
        for record, outcome in zip(kept, outcomes, strict=True)
    ]
    ids = _ids(batch, kept)
    _ask_registrations(batch, kept, world, ids)
    return Result(tuple(sorted(done, key=lambda one: one.row_number)), frozenset(ids.values()))


def _world(batch: Batch, records: Sequence[AccountRecord], fallback: str) -> _World:
    firm = batch.firm_id
    codes = {pk: code for code, pk in custodian_ids().items()}
    accounts = Account.objects.for_firm(firm).filter(number__in=[record.account_number for record in records])
    names = {record.household_id for record in records} | {fallback}
    households = {row.external_id: row for row in Household.objects.for_firm(firm).filter(external_id__in=names)}
    clients = Client.objects.for_firm(firm).filter(external_id__in=[record.client_id for record in records])
    return _World(
        custodians={code: pk for pk, code in codes.items()},
        accounts={(codes[row.custodian_id], row.number): row for row in accounts.order_by("id")},
        households=households,
        clients={row.external_id: row for row in clients},
        advisers={member.email: member.id for member in advisers(firm)},
        models=dict(TargetModel.objects.for_firm(firm).values_list("code", "id")),
        fallback=fallback,
    )


def _sorted_out(
    batch: Batch, records: Sequence[AccountRecord], world: _World
) -> tuple[list[AccountRecord], list[Applied]]:
    """The records that can be written, and those that cannot. Of one household all records must say the same."""
    kept: dict[AccountKey, AccountRecord] = {}
    said: dict[str, AccountRecord] = {}
    done = []
    for record in records:
        first = said.setdefault(record.household_id, record) if record.household_id else record
        code, why = _fault(batch, record, world)
        if not why and account_key(batch, record) in kept:
            code, why = BAD_VALUE, f"Account {record.account_number} stands twice."
        if not why and _of_household(first) != _of_household(record):
            why = f"Row {first.row_number} gives household {record.household_id} another name, adviser or model."
            code = BAD_VALUE
        if why:
            done.append(rejected(record, code, why))
        else:
            kept[account_key(batch, record)] = record
    return list(kept.values()), done


def _of_household(record: AccountRecord) -> tuple[str, str, str]:
    return record.household_name, record.adviser_email.lower(), record.model_code


def _fault(batch: Batch, record: AccountRecord, world: _World) -> tuple[str, str]:
    custodian = account_key(batch, record)[0]
    client = world.clients.get(record.client_id)
    if custodian not in world.custodians:
        return UNKNOWN_NAME, f"There is no custodian {custodian or 'named'} for account {record.account_number} here."
    if record.is_masked or record.account_number in batch.masked:
        why = f"Only the end of account {record.account_number} is printed; it cannot be opened from this."
        return UNKNOWN_ACCOUNT, why
    if record.adviser_email and record.adviser_email.lower() not in world.advisers:
        return UNKNOWN_NAME, f"{record.adviser_email} is no adviser of this firm."
    if record.model_code and record.model_code not in world.models:
        return UNKNOWN_NAME, f"There is no model {record.model_code} in this firm; publish it first."
    if client and record.household_id and client.household_id != _pk(world.households.get(record.household_id)):
        return BAD_VALUE, f"Client {record.client_id} belongs to another household than {record.household_id}."
    return BAD_VALUE, _bad_value(record)


def _bad_value(record: AccountRecord) -> str:
    for name, length in _LENGTHS.items():
        if len(getattr(record, name)) > length:
            return f"The {name} of account {record.account_number} has more than {length} characters."
    if record.registration and record.registration not in Registration.values:
        return f"{record.registration} is no registration of accounts: {', '.join(Registration.values)} are."
    if record.status and record.status not in Account.Status.values:
        return f"{record.status} is no status of accounts: {', '.join(Account.Status.values)} are."
    return ""


def _pk(household: Household | None) -> int:
    return household.pk if household else 0


def _write_households(batch: Batch, records: Collection[AccountRecord], world: _World) -> Mapping[str, int]:
    """The households' ids by external id; only those that the records name, or that new accounts need."""
    rows: dict[str, HouseholdRow] = {}
    for record in records:
        name = record.household_id or ("" if account_key(batch, record) in world.accounts else world.fallback)
        if name and name not in rows:
            rows[name] = _household_row(name, record, world)
    return write_households(firm_id=batch.firm_id, rows=list(rows.values()))


def _household_row(external_id: str, record: AccountRecord, world: _World) -> HouseholdRow:
    known = world.households.get(external_id)
    given = record.household_name if record.household_id else _UNASSIGNED_NAME if external_id == UNASSIGNED else ""
    adviser = world.advisers.get(record.adviser_email.lower()) if record.household_id else None
    return HouseholdRow(
        external_id=external_id,
        name=given or (known.name if known else external_id),
        adviser_id=adviser or (known.adviser_id if known else None),
    )


def _write_clients(
    batch: Batch, records: Iterable[AccountRecord], world: _World, households: Mapping[str, int]
) -> Mapping[str, int]:
    rows: dict[str, ClientRow] = {}
    for record in records:
        if record.client_id and record.household_id and record.client_id not in rows:
            known = world.clients.get(record.client_id)
            name = record.client_name or (known.name if known else record.client_id)
            rows[record.client_id] = ClientRow(
                external_id=record.client_id, name=name, household_id=households[record.household_id]
            )
    return write_clients(firm_id=batch.firm_id, rows=list(rows.values()))


def _row(
    batch: Batch,
    record: AccountRecord,
    world: _World,
    households: Mapping[str, int],
    clients: Mapping[str, int],
) -> AccountRow:
    key = account_key(batch, record)
    known = world.accounts.get(key)
    household = households[record.household_id or world.fallback] if record.household_id or not known else None
    return AccountRow(
        custodian_id=world.custodians[key[0]],
        number=record.account_number,
        household_id=household or (known.household_id if known else 0),
        client_id=clients.get(record.client_id) or (known.client_id if known else None),
        name=record.name or (known.name if known else f"{key[0].title()} {record.account_number}"),
        registration=record.registration or (known.registration if known else Registration.INDIVIDUAL.value),
        status=record.status or (known.status if known else Account.Status.OPEN.value),
    )


def _assign(batch: Batch, records: Iterable[AccountRecord], world: _World, households: Mapping[str, int]) -> None:
    """Let households follow the models that the records name, where they do not yet."""
    wanted = {
        households[record.household_id]: world.models[record.model_code]
        for record in records
        if record.model_code and record.household_id
    }
    rows = ModelAssignment.objects.for_firm(batch.firm_id).filter(household__in=wanted, assigned_on__lte=batch.as_of)
    # Later rows win: what is followed now.
    followed = dict(rows.order_by("assigned_on", "id").values_list("household_id", "target_model_id"))
    changed = {household: model for household, model in wanted.items() if followed.get(household) != model}
    assign_households(firm_id=batch.firm_id, models=changed, on=batch.as_of, at=batch.at, by=batch.actor)


def _ids(batch: Batch, records: Collection[AccountRecord]) -> Mapping[AccountKey, int]:
    rows = Account.objects.for_firm(batch.firm_id).filter(number__in=[record.account_number for record in records])
    found = {(code, number): pk for code, number, pk in rows.values_list("custodian__code", "number", "id")}
    return {key: found[key] for record in records if (key := account_key(batch, record)) in found}


def _ask_registrations(
    batch: Batch, records: Sequence[AccountRecord], world: _World, ids: Mapping[AccountKey, int]
) -> None:
    """An account opened without its registration waits for it; where it is given the question is settled."""
    keys = {account_key(batch, record): record.registration for record in records}
    sync_problems(
        firm_id=batch.firm_id,
        source="registration",
        found=[
            Found(ids[key], REGISTRATION_UNKNOWN, _ASK_REGISTRATION)
            for key, registration in keys.items()
            if not registration and key not in world.accounts
        ],
        settled=[ids[key] for key, registration in keys.items() if registration],
        at=batch.at,
        file_id=batch.file_id,
    )
