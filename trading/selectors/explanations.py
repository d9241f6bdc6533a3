"""The engine's codes and figures in words: why something is left, how good the trades are, what washes what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from portfolios.figures import day_text, money_text, points_text, shares_text

ZERO = Decimal(0)
CENT = Decimal("0.01")
SMALLEST_PART = Decimal("0.00005")
"""Half a hundredth of a point: less drift than this is not attributed to anything."""


@dataclass(frozen=True, slots=True)
class Code:
    """How a reason for not trading is called, and what it keeps drift by: "0.5 by restrictions"."""

    label: str
    by: str


CODES: Mapping[str, Code] = {
    "NO_BUY": Code("Not to be bought", "restrictions"),
    "NO_SELL": Code("Not to be sold", "restrictions"),
    "HELD": Code("Held", "restrictions and open orders"),
    "HELD_RANGE": Code("Held in a range", "restrictions"),
    "ALTERNATE": Code("An alternate is bought", "alternates"),
    "WASH_SALE_BUY": Code("Wash sale", "the wash-sale rule"),
    "WASH_SALE_LOSS": Code("Wash sale", "the wash-sale rule"),
    "GAIN_BUDGET": Code("Gain budget", "the gain budget"),
    "TAX_BUDGET": Code("Tax budget", "the tax budget"),
    "NOT_WORTH_TAX": Code("Not worth its tax", "tax that it is not worth"),
    "WAITS_FOR_LONG_TERM": Code("Soon long-term", "lots that soon turn long-term"),
    "BASIS_PENDING": Code("No cost basis", "missing cost basis"),
    "UNPRICED": Code("No price", "missing prices"),
    "STALE_PRICE": Code("Old price", "old prices"),
    "NOT_TRADABLE": Code("Not tradable", "securities that do not trade"),
    "VOLUME_CAP": Code("Volume cap", "the volume cap"),
    "NOTHING_TO_BUY": Code("Nothing to buy with it", "a lack of anything to buy"),
    "NOT_ENOUGH_CASH": Code("Not enough cash", "a lack of cash"),
    "CASH_NOT_RAISED": Code("Cash not raised", "a lack of cash"),
    "CASH": Code("Cash", "cash"),
    "CASH_ONLY": Code("Only cash this time", "putting only cash in order"),
    "BELOW_MINIMUM": Code("Below the minimum", "the minimum of a trade"),
    "TRADES_TOO_SMALL": Code("Too small together", "the minimum of all trades"),
    "WITHIN_BAND": Code("Within its band", "the bands"),
    "EQUIVALENT": Code("Held by an equivalent", "substantially identical securities"),
    "LESS_THAN_A_SHARE": Code("Less than a share", "parts of a share"),
    "ROUNDING": Code("Rounding", "parts of a share"),
    "ON_TARGET": Code("On target", "parts of a share"),
}


def named(code: str) -> Code:
    """The words of a code; of one that has none its own letters."""
    plain = code.replace("_", " ").lower()
    return CODES.get(code, Code(plain.capitalize(), plain))


def by_code(skipped: Iterable[Mapping[str, Any]], leftover: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was not traded, grouped by reason: {label, drift, items}; what keeps the most drift first.

    :param leftover: {code, drift} of an account
    """
    drift = {part["code"]: part["drift"] for part in leftover}
    groups: dict[str, dict[str, Any]] = {}
    for item in skipped:
        code = item["code"]
        label = named(code).label
        group = groups.setdefault(label, {"label": label, "drifts": {}, "items": []})
        group["drifts"][code] = drift.get(code, ZERO)
        group["items"].append(item)
    found = [{**group, "drift": sum(group["drifts"].values(), ZERO)} for group in groups.values()]
    order = list(groups)
    return sorted(found, key=lambda group: (-group["drift"], order.index(group["label"])))


def leftover_sentence(parts: Sequence[Mapping[str, Any]]) -> str:
    """As in: 0.83 points of drift are left: 0.51 by restrictions, 0.32 by the bands. Empty if nothing is left."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        cause = named(part["code"]).by
        sums[cause] = sums.get(cause, ZERO) + part["drift"]
    total = sum(sums.values(), ZERO)
    if total < SMALLEST_PART:
        return ""
    largest = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    causes = ", ".join(f"{points_text(drift, 2)} by {cause}" for cause, drift in largest if drift >= SMALLEST_PART)
    return f"{points_text(total, 2)} points of drift are left: {causes}."


def certificate_sentence(certificates: Sequence[Mapping[str, Any]], value: Decimal) -> str:
    """How much better other trades could be at most, over all the accounts; empty where none has a certificate.

    :param certificates: {objective, bound} in dollars
    """
    if not certificates or not all(certificates):
        return ""
    gap = sum((max(one["objective"] - one["bound"], ZERO) for one in certificates), ZERO)
    if gap < CENT:
        return "No other trades under these rules are better by so much as a cent."
    bps = (gap / (value or 1) * 10_000).quantize(CENT, ROUND_UP)
    dollars = money_text(gap.quantize(Decimal(1) if gap >= 1 else CENT, ROUND_UP), 0 if gap >= 1 else 2)
    return f"No other trades under these rules are better by more than {bps} basis points ({dollars})."


def wash_sentences(notes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The notes of `trading.services.wash_notes`, each a sentence, and what nobody can see beside a loss."""
    found = list(notes)
    sentences = [_WASH[note["code"]](note) for note in found]
    if any(note["code"] == "LOSS_TAKEN" for note in found):
        sentences.append(
            "Coverage incomplete: purchases in accounts that are not in this book are not seen, and would wash "
            "these losses too."
        )
    return sentences


def _loss_taken(note: Mapping[str, Any]) -> str:
    return (
        f"{note['symbol']} is sold at a loss of {money_text(-note['amount'])}. Up to {day_text(note['until'])} a "
        "purchase of it, or of its equivalent, in any account of the household would wash the loss."
    )


def _sold_at_loss(note: Mapping[str, Any]) -> str:
    free_on = day_text(note["until"] + timedelta(days=1))
    return (
        f"{note['symbol']}, or its equivalent, was sold at a loss within the last 30 days: it may be bought again from "
        f"{free_on}."
    )


def _bought_lately(note: Mapping[str, Any]) -> str:
    free_on = day_text(note["until"] + timedelta(days=1))
    return (
        f"{note['symbol']}, or its equivalent, was bought within the last 30 days: its losses may be taken from "
        f"{free_on}."
    )


def _held_outside(note: Mapping[str, Any]) -> str:
    return (
        f"{shares_text(note['amount'])} shares of {note['symbol']}, or of its equivalent, are held at accounts that "
        "are not managed here."
    )


_WASH = {
    "LOSS_TAKEN": _loss_taken,
    "SOLD_AT_LOSS": _sold_at_loss,
    "BOUGHT_LATELY": _bought_lately,
    "HELD_OUTSIDE": _held_outside,
}
