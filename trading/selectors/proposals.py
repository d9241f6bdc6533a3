"""One proposal, in depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import TaxStatus
from accounts.selectors.members import Member
from portfolios.models import Lot, ModelVersion, Security
from rebalancer.engine.calendars import settles_on
from rebalancer.engine.lots import first_long_term_on
from trading.models import Approval, Proposal, ProposalAccount
from trading.packing import unpack
from trading.selectors.explanations import by_code, certificate_sentence, leftover_sentence, wash_sentences
from trading.selectors.reasons import described, reasons_by_scan
from trading.selectors.scenarios import ScenarioRow, scenario_rows
from trading.selectors.staleness import why_stale

OPEN = (Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND)
GIVEN_WAY: Mapping[str, str] = {
    Proposal.Status.STALE: "It is out of date and was not decided on.",
    Proposal.Status.SUPERSEDED: "A newer scan has taken its place.",
}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Names:
    """What people call the securities and lots that a proposal names by symbol and id."""

    securities: Mapping[str, str]
    lots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """What the proposal's page shows: head, scenarios, accounts, and the household's classes over all of them."""

    proposal: Mapping[str, Any]
    scenarios: list[ScenarioRow]
    accounts: list[Mapping[str, Any]]
    household_classes: list[Mapping[str, Any]]


def proposal_page(firm_id: int, proposal_id: int, *, reader: Member) -> ProposalPage | None:
    """The page of a proposal as a member sees it; nothing if the firm has no such proposal."""
    rows = Proposal.objects.for_firm(firm_id).select_related("household__adviser__user").defer("book")
    proposal = rows.filter(pk=proposal_id).first()
    if proposal is None:
        return None
    parts = list(
        ProposalAccount.objects.for_firm(firm_id)
        .filter(proposal=proposal)
        .select_related("account__custodian")
        .order_by("account__name", "id")
    )
    names = _Names(_security_names(parts), _lot_keys(firm_id, parts))
    accounts = [_account(part, names, proposal.as_of) for part in parts]
    scenarios = scenario_rows(proposal, parts)
    head = dict(_head(proposal, parts, accounts, reader))
    head["can_choose"] = head["can_choose"] and any(row.is_other for row in scenarios)
    return ProposalPage(
        head,
        scenarios,
        accounts,
        household_classes(_classes_to_sum(accounts)),
    )


def _security_names(parts: Iterable[ProposalAccount]) -> Mapping[str, str]:
    symbols = {line["symbol"] for part in parts for line in (*part.trades, *part.figures["securities"])}
    return dict(Security.objects.filter(symbol__in=symbols).values_list("symbol", "name"))


def _lot_keys(firm_id: int, parts: Iterable[ProposalAccount]) -> Mapping[str, str]:
    """The custodian's own name of every lot that is sold, by our id."""
    ids = {int(lot["lot_id"]) for part in parts for trade in part.trades for lot in trade["lots"]}
    return {str(pk): key for pk, key in Lot.objects.for_firm(firm_id).filter(pk__in=ids).values_list("id", "lot_key")}


def _account(part: ProposalAccount, names: _Names, on: date) -> Mapping[str, Any]:
    account = part.account
    figures = unpack(part.figures)
    leftover = figures.get("leftover", [])
    trades = [_trade(f"{part.pk}-{number}", unpack(trade), names, on) for number, trade in enumerate(part.trades)]
    return {
        **figures,
        "joint": figures.get("joint", False),
        "id": account.pk,
        "name": account.name,
        "number_masked": f"…{account.number[-4:]}",
        "tax_status_label": account.get_tax_status_display(),
        "is_taxed": account.tax_status == TaxStatus.TAXABLE,
        "custodian_name": account.custodian.name,
        "securities": [
            {**line, "name": names.securities.get(line["symbol"], line["name"])} for line in figures["securities"]
        ],
        "trades": trades,
        "net": sum((_SIGNS[trade["side"]] * trade["amount"] for trade in trades), ZERO),
        "skipped": by_code(part.skipped, leftover),
        "leftover": leftover_sentence(leftover),
        "certificate": certificate_sentence([unpack(part.certificate)], figures["value"]),
        "wash": wash_sentences(figures.get("wash", [])),
    }


def _trade(key: str, trade: Mapping[str, Any], names: _Names, on: date) -> Mapping[str, Any]:
    lots = [_lot(lot, names, on) for lot in trade["lots"]]
    return {
        **trade,
        "id": key,
        "name": names.securities.get(trade["symbol"], ""),
        "lots": lots,
        "lots_sum": {name: sum((lot[name] for lot in lots), ZERO) for name in _LOT_SUMS},
        "reason_label": trade["reason"].replace("_", " ").capitalize(),
        "gain_short": sum((lot["gain"] for lot in lots if lot["term"] == "SHORT"), ZERO),
        "gain_long": sum((lot["gain"] for lot in lots if lot["term"] == "LONG"), ZERO),
    }


_SIGNS = {"SELL": 1, "BUY": -1}
_LOT_SUMS = ("quantity", "cost_basis", "proceeds", "gain")


def _lot(lot: Mapping[str, Any], names: _Names, on: date) -> Mapping[str, Any]:
    """A lot by the custodian's name for it; of a short one, when it would be long-term."""
    row = {**lot, "lot_id": names.lots.get(lot["lot_id"], lot["lot_id"]), "long_term_on": None, "days_to_long": None}
    if lot["term"] == "SHORT":
        row["long_term_on"] = first_long_term_on(lot["acquired_on"])
        row["days_to_long"] = (row["long_term_on"] - on).days
    return row


_SUMMED = ("before", "after", "target", "low", "high")


def _classes_to_sum(accounts: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Classes of the accounts; those of a household that follows one target together are the same in each, and once."""
    joint = [account["classes"] for account in accounts if account["joint"]]
    return joint[:1] + [account["classes"] for account in accounts if not account["joint"]]


def household_classes(of_accounts: Iterable[list[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Asset classes summed over accounts in dollars, and their weights in the sum.

    Targets and bands belong to accounts; those of the sum are theirs, weighted by the accounts' value.
    """
    sums: dict[str, dict[str, Any]] = {}
    for classes in of_accounts:
        value = sum((row["before_amount"] for row in classes), ZERO)
        for row in classes:
            total = sums.setdefault(row["name"], {"name": row["name"], **dict.fromkeys(_SUMMED, ZERO)})
            total["before"] += row["before_amount"]
            total["after"] += row["after_amount"]
            for name in _SUMMED[2:]:
                total[name] += row[f"{name}_weight"] * value
    whole = sum((row["before"] for row in sums.values()), ZERO) or Decimal(1)
    return [_class(row, whole) for row in sums.values()]


def _class(row: Mapping[str, Any], whole: Decimal) -> Mapping[str, Any]:
    return {
        "name": row["name"],
        **{f"{name}_weight": row[name] / whole for name in _SUMMED},
        "before_amount": row["before"],
        "after_amount": row["after"],
        "change_amount": row["after"] - row["before"],
        "breached": not row["low"] <= row["before"] <= row["high"],
    }


def _head(
    proposal: Proposal, parts: list[ProposalAccount], accounts: list[Mapping[str, Any]], reader: Member
) -> Mapping[str, Any]:
    approvals = list(
        Approval.objects.for_firm(proposal.firm_id).filter(proposal=proposal).select_related("member__user")
    )
    stale = why_stale(proposal.firm_id, proposal) if proposal.status in OPEN else ""
    because = _cannot_approve(proposal, approvals, stale, reader)
    version = (
        ModelVersion.objects.for_firm(proposal.firm_id).select_related("target_model").get(pk=parts[0].model_version_id)
    )
    adviser = proposal.household.adviser
    found = reasons_by_scan(proposal.firm_id, proposal.household_id, [proposal.scan_id])
    return {
        **{name: getattr(proposal, name) for name in _SAME},
        "household_name": proposal.household.name,
        "adviser_name": str(adviser.user) if adviser else "",
        "status_label": proposal.get_status_display(),
        "model_name": version.target_model.name,
        "model_version": version.number,
        "reasons": described(found.get(proposal.scan_id, ())),
        "cash_before": sum((row["cash_before"] for row in accounts), ZERO),
        "cash_after": sum((row["cash_after"] for row in accounts), ZERO),
        "sells_amount": _traded(accounts, "SELL"),
        "buys_amount": _traded(accounts, "BUY"),
        "trades_count": proposal.trade_count,
        "certificate": certificate_sentence([unpack(part.certificate) for part in parts], proposal.value),
        "budgets": _budgets(accounts),
        "year_tax": next((row["year_tax"] for row in accounts if row.get("year_tax") is not None), None),
        "can_choose": proposal.status == Proposal.Status.PENDING and not stale and not approvals,
        "settles_on": settles_on(proposal.as_of),
        "can_approve": proposal.status in OPEN and not because,
        "cannot_approve_because": because or None,
        "can_reject": proposal.status in OPEN,
        "needs_second": proposal.needs_two,
        "four_eyes_sentence": proposal.two_reason if proposal.needs_two else None,
        "stale_because": stale or None,
        "joint": any(account["joint"] for account in accounts),
        "newer_id": _newer_id(proposal),
        "approvals": [_approval(row) for row in approvals if row.decision == Approval.Decision.APPROVE],
        "rejection": next((_rejection(row) for row in approvals if row.decision == Approval.Decision.REJECT), None),
    }


_SAME = (
    "id",
    "version",
    "content_sha256",
    "account_count",
    "household_id",
    "status",
    "created_at",
    "value",
    "drift_before",
    "drift_after",
    "gain_short",
    "gain_long",
    "tax",
    "cost",
    "as_of",
)


def _budgets(accounts: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The household's limits of the year, each said once: what is used of it with these trades, and what is left."""
    found: list[Mapping[str, Any]] = []
    for label, limit, left, price in _BUDGETS:
        row = next((row for row in accounts if row.get(limit) is not None), None)
        if row is not None:
            used = row[limit] - row[left]
            found.append(
                {
                    "label": label,
                    "limit": row[limit],
                    "used": used,
                    "left": row[left],
                    "over": -row[left],
                    "price": row[price],
                }
            )
    return found


_BUDGETS = (
    ("Gain budget", "gain_budget", "budget_left", "budget_price"),
    ("Tax budget", "tax_budget", "tax_left", "tax_price"),
)


def _newer_id(proposal: Proposal) -> int | None:
    """The household's open proposal, where this one gave way to it."""
    rows = Proposal.objects.for_firm(proposal.firm_id).filter(household_id=proposal.household_id, status__in=OPEN)
    return rows.filter(pk__gt=proposal.pk).order_by("id").values_list("id", flat=True).first()


def _traded(accounts: list[Mapping[str, Any]], side: str) -> Decimal:
    return sum((trade["amount"] for row in accounts for trade in row["trades"] if trade["side"] == side), ZERO)


def _cannot_approve(proposal: Proposal, approvals: list[Approval], stale: str, reader: Member) -> str:
    if proposal.status not in OPEN:
        return GIVEN_WAY.get(proposal.status, "")
    if stale:
        return stale
    if any(row.member_id == reader.id for row in approvals):
        return "You approved it; a second approver must look at it too."
    return ""


def _approval(row: Approval) -> Mapping[str, Any]:
    return {"by": str(row.member.user), "at": row.decided_at, "note": row.reason}


def _rejection(row: Approval) -> Mapping[str, Any]:
    return {"by": str(row.member.user), "at": row.decided_at, "reason": row.reason}
