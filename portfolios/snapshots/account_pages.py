"""The accounts' pages: what is on record, together with where the engine says each account stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.figures import percent_text, points_text
from portfolios.policy_files import Setting
from portfolios.selectors.account_pages import AccountList, account_facts, listed_accounts
from portfolios.snapshots.standings import CASH, Standing, standings


def account_list(firm_id: int, *, on: date, search: str = "", after: int = 0) -> AccountList:
    """A page of accounts by household and name, each with its value, cash and drift (None: closed to trading)."""
    page = listed_accounts(firm_id, on=on, search=search, after=after)
    found = standings(firm_id, sorted({row["household_id"] for row in page.rows}), on)
    for row in page.rows:
        one = found.get(row["id"])
        row["value"], row["cash"], row["drift"] = (one.value, one.cash, one.drift) if one else (None, None, None)
    return page


def account_page(firm_id: int, account_id: int, *, on: date) -> dict[str, Any] | None:
    """One account in depth; nothing if the firm has no such account."""
    facts = account_facts(firm_id, account_id, on=on)
    if facts is None:
        return None
    standing = standings(firm_id, [facts.household_id], on).get(account_id)
    return {
        **facts.page,
        "account": {
            **facts.page["account"],
            "drift": standing.drift if standing else None,
            "drift_limit": facts.settings["account_band_absolute"].value,
            "joint": bool(standing and standing.joint),
        },
        "classes": _with_limits(standing, facts.settings) if standing else [],
    }


def _with_limits(standing: Standing, settings: Mapping[str, Setting]) -> list[dict[str, Any]]:
    return [{**row, "limit_source": limit_source(row, settings, taxed=standing.taxed)} for row in standing.classes]


def limit_source(row: Mapping[str, Any], settings: Mapping[str, Setting], *, taxed: bool) -> str | None:
    """The band that decides for a class, and where it was set; nothing if no band is looked at."""
    taxable = settings["taxable_band_absolute"]
    wider = taxed and taxable.value is not None
    absolute = taxable if wider else settings["class_band_absolute"]
    relative = settings["class_band_relative"]
    target: Decimal = row["target_weight"]
    by_part = relative.value is not None and target > 0 and row["name"] != CASH
    if by_part and (absolute.value is None or relative.value * target < absolute.value):
        return f"{percent_text(relative.value, 0)} of its target, {relative.source}"
    return None if absolute.value is None else f"{points_text(absolute.value)} points, {absolute.source}"
