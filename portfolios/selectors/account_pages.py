"""What is on record about accounts, listed and one by one. Where they stand against targets is the snapshots' part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from accounts.models import Account, CashReserve, ScheduledFlow, TaxProfile, TaxStatus
from portfolios.models import AccountSignal, CashBalance, ModelVersion, Restriction
from portfolios.policy_files import Setting
from portfolios.selectors.account_holdings import Holdings, holdings_of
from portfolios.selectors.hold_ranges import range_lines, ranges_of
from portfolios.selectors.policies import settings_of
from portfolios.selectors.policy_words import policy_lines
from portfolios.selectors.problems import open_problems
from portfolios.selectors.targets import Followed, flat_models, followed_versions

PAGE = 50
HISTORY = 30
ZERO = Decimal(0)

_LISTED = """
WITH listed AS (
    SELECT account.id, account.name, account.number, account.tax_status, account.last_rebalanced_on,
        household.id AS household_id, household.name AS household_name, custodian.name AS custodian_name
    FROM accounts_account account
    JOIN accounts_household household ON household.firm_id = account.firm_id AND household.id = account.household_id
    JOIN accounts_custodian custodian ON custodian.id = account.custodian_id
    WHERE account.firm_id = %(firm)s AND account.status <> 'CLOSED'
      AND (%(search)s = '' OR account.name ILIKE '%%' || %(search)s || '%%'
        OR household.name ILIKE '%%' || %(search)s || '%%' OR account.number ILIKE '%%' || %(search)s || '%%')
)
"""
_PAGE = (
    _LISTED
    + """
SELECT listed.*, (
    SELECT count(*) FROM portfolios_dataproblem problem
    WHERE problem.firm_id = %(firm)s AND problem.account_id = listed.id AND problem.resolved_at IS NULL
) AS problem_count
FROM listed
WHERE %(after)s = 0 OR (household_name, household_id, name, id) > (
    SELECT household_name, household_id, name, id FROM listed WHERE id = %(after)s)
ORDER BY household_name, household_id, name, id LIMIT %(limit)s
"""
)
_TOTAL = _LISTED + "SELECT count(*) FROM listed"


@dataclass(frozen=True, slots=True)
class AccountList:
    """A page of accounts. `after` is where the next page begins; none means that this is the last."""

    rows: list[dict[str, Any]]
    total: int
    after: int | None


def listed_accounts(firm_id: int, *, on: date, search: str = "", after: int = 0) -> AccountList:
    """Accounts by household and name. `after` is the last account of the page before."""
    parameters: dict[str, Any] = {
        "firm": firm_id,
        "search": search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_"),
        "after": after,
        "limit": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, parameters)
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute(_TOTAL, parameters)
        total = cursor.fetchone()[0]
    rows = found[:PAGE]
    models = _model_names(firm_id, [row["id"] for row in rows], on)
    for row in rows:
        row["number_masked"] = masked(row["number"])
        row["tax_status_label"] = TaxStatus(row["tax_status"]).label
        row["model_name"] = models.get(row["id"], (None, None))[0]
    return AccountList(rows, total, rows[-1]["id"] if len(found) > PAGE else None)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """An account's page but for its standing, and the settings over it."""

    household_id: int
    settings: Mapping[str, Setting]
    page: dict[str, Any]


def account_facts(firm_id: int, account_id: int, *, on: date) -> AccountFacts | None:
    """Everything on record about an account as of a day; nothing if the firm has no such account."""
    rows = Account.objects.for_firm(firm_id).select_related("household__adviser__user", "custodian")
    account = rows.filter(pk=account_id).first()
    if account is None:
        return None
    followed = next(iter(followed_versions(firm_id, [account_id], on)), None)
    settings = settings_of(firm_id, account, followed)
    cash = CashBalance.objects.for_firm(firm_id).filter(account=account).first()
    held = holdings_of(
        firm_id,
        account_id,
        on=on,
        cash=_cash_total(cash),
        targets=_targets(firm_id, followed, on),
        price_max_age_sessions=settings["price_max_age_sessions"].value,
    )
    reserves = _reserves(account, on)
    page = {
        "account": {
            **_head(account, on),
            **_model(firm_id, account_id, on),
            **_cash(cash, held),
            "cash_reserve": sum((line["amount"] for line in reserves), ZERO),
            "drift_history": _history(account),
        },
        "holdings": held.rows,
        "cash_lines": _cash_lines(account, cash),
        "reserves": reserves,
        "restrictions": [_restriction(row) for row in _restrictions(account, on)],
        "ranges": range_lines(ranges_of(firm_id, account_id)),
        **_policy(settings, _rates(account)),
        "problems": open_problems(firm_id, account_id=account_id),
    }
    return AccountFacts(account.household_id, settings, page)


def masked(number: str) -> str:
    return f"…{number[-4:]}"


def _model_names(firm_id: int, account_ids: Sequence[int], on: date) -> Mapping[int, tuple[str, int]]:
    """The name and the version's number of the model that each account follows."""
    followed = followed_versions(firm_id, account_ids, on)
    rows = ModelVersion.objects.for_firm(firm_id).select_related("target_model")
    versions = rows.in_bulk([row.version_id for row in followed])
    return {
        row.account_id: (versions[row.version_id].target_model.name, versions[row.version_id].number)
        for row in followed
    }


def _model(firm_id: int, account_id: int, on: date) -> dict[str, Any]:
    name, version = _model_names(firm_id, [account_id], on).get(account_id, ("No target", None))
    return {"model_name": name, "model_version": version}


def _targets(firm_id: int, followed: Followed | None, on: date) -> Mapping[int, Decimal]:
    if followed is None:
        return {}
    return flat_models(firm_id, [followed.version_id], on)[followed.version_id].weights


def _head(account: Account, on: date) -> dict[str, Any]:
    adviser = account.household.adviser
    return {
        "id": account.pk,
        "household_id": account.household_id,
        "name": account.name,
        "number_masked": masked(account.number),
        "household_name": account.household.name,
        "registration_label": account.get_registration_display(),
        "tax_status_label": account.get_tax_status_display(),
        "custodian_name": account.custodian.name,
        "adviser_name": str(adviser.user) if adviser else "",
        "as_of_on": on,
        "last_rebalanced_on": account.last_rebalanced_on,
    }


def _cash_total(cash: CashBalance | None) -> Decimal:
    return cash.settled + cash.unsettled if cash else ZERO


def _cash(cash: CashBalance | None, held: Holdings) -> dict[str, Any]:
    return {
        "cash_settled": cash.settled if cash else None,
        "cash_unsettled": cash.unsettled if cash else None,
        "reported_on": cash.reported_on if cash else None,
        "value": held.value + _cash_total(cash),
        "unpriced": held.unpriced,
    }


def _history(account: Account) -> list[Decimal] | None:
    """Drift in the scans that found something to say, oldest first."""
    rows = AccountSignal.objects.for_firm(account.firm_id).filter(account=account).order_by("-scan_id", "id")
    drifts = list(rows.values_list("drift_weight", flat=True)[:HISTORY])
    return drifts[::-1] if len(drifts) > 1 else None


def _reserves(account: Account, on: date) -> list[dict[str, Any]]:
    begun = Q(starts_on=None) | Q(starts_on__lte=on)
    rows = CashReserve.objects.for_firm(account.firm_id).filter(begun, Q(ends_on=None) | Q(ends_on__gte=on))
    found = rows.filter(account=account).order_by("name", "id")
    return [{"name": row.name, "amount": row.amount, "on": row.ends_on} for row in found]


def _cash_lines(account: Account, cash: CashBalance | None) -> list[dict[str, Any]]:
    lines = []
    if cash:
        lines.append({"label": "Settled", "amount": cash.settled, "on": cash.reported_on})
        lines.append({"label": "On its way from trades", "amount": cash.unsettled, "on": None})
    flows = ScheduledFlow.objects.for_firm(account.firm_id).filter(account=account, done_at=None)
    due = [{"label": row.name, "amount": row.amount, "on": row.due_on} for row in flows.order_by("due_on", "id")]
    return lines + due


def _restrictions(account: Account, on: date) -> list[Restriction]:
    mine = Q(account=account) | Q(household_id=account.household_id) | Q(account=None, household=None)
    rows = Restriction.objects.for_firm(account.firm_id).filter(mine, Q(expires_on=None) | Q(expires_on__gte=on))
    return list(rows.select_related("security", "asset_class").order_by("kind", "id"))


def _restriction(row: Restriction) -> dict[str, Any]:
    scope = "this account" if row.account_id else "the household" if row.household_id else "the whole firm"
    return {
        "kind_label": row.get_kind_display(),
        "subject": str(row.security or row.asset_class),
        "reason": row.reason,
        "expires_on": row.expires_on,
        "set_by": f"set for {scope}",
    }


def _policy(settings: Mapping[str, Setting], rates: tuple[Decimal, Decimal] | None) -> dict[str, Any]:
    """What somebody set, and what nobody did."""
    lines = policy_lines(settings, rates)
    return {
        "policy": [line for line in lines if not line["is_default"]],
        "policy_defaults": [line for line in lines if line["is_default"]],
    }


def _rates(account: Account) -> tuple[Decimal, Decimal] | None:
    rows = TaxProfile.objects.for_firm(account.firm_id).filter(household_id=account.household_id)
    return rows.values_list("short_rate", "long_rate").first()
