"""Where accounts stand against their targets today: the engine's own measure, in the words and units of pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.book import NONE, Book, TaxStatus
from rebalancer.engine.drift import Drift, measure
from rebalancer.engine.levels import Level
from rebalancer.engine.money import MICRO

CASH = "Cash"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """One account against its target. Money is dollars; drift is None where there is no target to be away from.

    `classes` are rows of {name, before_weight, target_weight, low_weight, high_weight, before_amount, breached};
    weights are of the value after withdrawals that are due, as the engine counts. Where the account follows its
    household's target (`joint`), they and the drift are the household's, whose value is `classes_value`.
    """

    account_id: int
    household_id: int
    value: Decimal
    cash: Decimal
    drift: Decimal | None
    breached: bool
    classes: tuple[Mapping[str, Any], ...]
    classes_value: Decimal
    taxed: bool
    """Bands of its classes are those of taxed accounts."""
    joint: bool


def standings(firm_id: int, household_ids: Sequence[int], on: date) -> dict[int, Standing]:
    """The standing of every open account of some households, by account id."""
    if not household_ids:
        return {}
    loaded = load_book(firm_id, household_ids, as_of=on, depth=Depth.LOSS_LOTS)
    drift = measure(loaded.book)
    rows = zip(loaded.account_ids.tolist(), loaded.household_ids.tolist(), strict=True)
    return {
        account_id: _standing(loaded.book, drift, place, account_id, household_id)
        for place, (account_id, household_id) in enumerate(rows)
    }


def summed_classes(of: Iterable[Standing]) -> list[dict[str, Any]]:
    """Classes over several accounts in dollars, with targets and bands weighted by the accounts' value.

    What the accounts of a household that follows one target together show is the same in each, and is counted once.
    """
    measured = [one for one in of if one.drift is not None]
    alone, joint = [one for one in measured if not one.joint], [one for one in measured if one.joint]
    counted = alone + list({one.household_id: one for one in joint}.values())
    whole = sum((one.classes_value for one in counted), ZERO)
    sums: dict[str, dict[str, Any]] = {}
    for one in counted:
        for row in one.classes:
            total = sums.setdefault(row["name"], {"name": row["name"], **dict.fromkeys(_SUMMED, ZERO)})
            total["before_amount"] += row["before_amount"]
            for name in _SUMMED[1:]:
                total[name] += row[name] * one.classes_value
    for total in sums.values():
        for name in _SUMMED[1:]:
            total[name] = total[name] / whole if whole else ZERO
        total["breached"] = not total["low_weight"] <= total["before_weight"] <= total["high_weight"]
    return sorted(sums.values(), key=lambda row: (row["name"] == CASH, -row["target_weight"], row["name"]))


_SUMMED = ("before_amount", "before_weight", "target_weight", "low_weight", "high_weight")


def _standing(book: Book, drift: Drift, place: int, account_id: int, household_id: int) -> Standing:
    measured = bool(drift.measured[place])
    due = int(book.accounts.withdrawals_due[place])
    whole, against, at = _measured_against(book, drift, place)
    return Standing(
        account_id=account_id,
        household_id=household_id,
        value=_dollars(int(drift.value[place]) + due),
        cash=_dollars(int(drift.cash[place])),
        drift=_weight(drift.drift_weight[place]) if measured else None,
        breached=bool(drift.breached[place]),
        classes=tuple(_classes(book, against, at)) if measured else (),
        classes_value=_dollars(int(against.value[at])),
        taxed=bool(whole.accounts.tax_status[at] == TaxStatus.TAXABLE),
        joint=against is not drift,
    )


def _measured_against(book: Book, drift: Drift, place: int) -> tuple[Book, Drift, int]:
    """Where an account's target is followed, and its place there: by itself, or by its household."""
    joint = drift.joint
    if joint is None or joint.owner[place] == NONE:
        return book, drift, place
    return joint.book, joint.drift, int(joint.owner[place])


def _classes(book: Book, drift: Drift, place: int) -> list[Mapping[str, Any]]:
    """What is held or wanted, the largest target first, and cash at last."""
    value, level = int(drift.value[place]), drift.classes
    rows = [
        _row(name, level, (place, one), value)
        for one, name in enumerate(book.asset_classes)
        if level.weight[place, one] or level.target[place, one]
    ]
    rows.sort(key=lambda row: (-row["target_weight"], row["name"]))
    return [*rows, _row(CASH, drift.cash_level, (place,), value)]


def _row(name: str, level: Level, at: tuple[int, ...], value: int) -> dict[str, Any]:
    """A class without a band may have any weight from nothing to all."""
    weight = float(level.weight[at])
    return {
        "name": name,
        "before_weight": _weight(weight),
        "target_weight": _weight(float(level.target[at])),
        "low_weight": _weight(max(float(level.low[at]), 0.0)),
        "high_weight": _weight(min(float(level.high[at]), 1.0)),
        "before_amount": _dollars(round(weight * value)),
        "breached": bool(level.breached[at]),
    }


def _weight(weight: float) -> Decimal:
    return Decimal(f"{weight:.8f}")


def _dollars(micros: int) -> Decimal:
    return (Decimal(micros) / MICRO).quantize(Decimal("0.01"))
