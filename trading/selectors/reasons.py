"""The reasons that a scan gives, in the words of the people who read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portfolios.models import AccountSignal


@dataclass(frozen=True, slots=True)
class Reason:
    """How a reason is called on the worklist, what it means, and how loud it is: `tone` is empty, WARN or BAD."""

    label: str
    hint: str
    tone: str = ""


REASONS: Mapping[str, Reason] = {
    "BAND_BREACHED": Reason("Outside a band", "A class, security or the whole account is beyond its band"),
    "CALENDAR": Reason("Scheduled", "Due by its calendar"),
    "NEGATIVE_CASH": Reason("Negative cash", "Cash is below zero", "BAD"),
    "LOW_CASH": Reason("Low cash", "Cash is below its reserve", "BAD"),
    "WITHDRAWAL_DUE": Reason("Withdrawal due", "Money is about to leave", "WARN"),
    "HIGH_CASH": Reason("High cash", "Cash is above its target by more than the limit", "WARN"),
    "NEW_MONEY": Reason("New money", "Contributions since the last rebalance"),
    "LOSS_HARVEST": Reason("Harvest", "Losses that are worth realising"),
    "MODEL_CHANGED": Reason("Model changed", "The target is newer than the last rebalance"),
    "NEVER_REBALANCED": Reason("Never rebalanced", "No rebalance is on record"),
    "DATA_PROBLEM": Reason("Data problem", "The custodian's data need a person first", "BAD"),
    "STALE_PRICE": Reason("Stale price", "A price is older than the policy allows", "WARN"),
    "VALUE_INCOMPLETE": Reason("Unpriced", "Something held has no price", "BAD"),
    "BLOCKED": Reason("Blocked", "The account may not be traded", "BAD"),
    "NO_MODEL": Reason("No target", "The account follows no model"),
    "COOL_DOWN": Reason("Resting", "Rebalanced recently; left alone for the days its policy says"),
}


def described(codes: Iterable[str]) -> list[dict[str, str]]:
    """Codes as the pages show them, the loudest kinds where the list above has them."""
    known = set(codes)
    return [
        {"code": code, "label": reason.label, "tone": reason.tone} for code, reason in REASONS.items() if code in known
    ]


def reasons_by_scan(firm_id: int, household_id: int, scan_ids: Sequence[int]) -> dict[int, set[str]]:
    """What each scan found in any account of the household, by scan."""
    found: dict[int, set[str]] = {}
    rows = AccountSignal.objects.for_firm(firm_id).filter(household_id=household_id, scan_id__in=scan_ids)
    for scan_id, reasons in rows.order_by("id").values_list("scan_id", "reasons"):
        found.setdefault(scan_id, set()).update(reasons)
    return found
