"""Tick sizes and funds' terms, written by the installation's operator through the owner's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from accounts.models import Custodian
from portfolios.feeds.market_rules import BadMarketRules, FundRow, TickRow
from portfolios.models import FundTerms, Security, SecurityKind, TickSize
from portfolios.services.market_data import OWNER


def load_tick_sizes(*, rows: Sequence[TickRow], source: str) -> int:
    """Write periods of tick sizes; one that begins on the same day replaces the earlier. How many were written.

    :raises BadMarketRules: if a line names a security that is not known or is no stock; nothing is written then
    """
    with transaction.atomic(using=OWNER):
        securities = _securities([(row.line, row.symbol) for row in rows], funds=False)
        TickSize.objects.using(OWNER).bulk_create(
            [
                TickSize(
                    security_id=securities[row.symbol],
                    starts_on=row.starts_on,
                    ends_on=row.ends_on,
                    increment=row.increment,
                    source=source[:80],
                )
                for row in rows
            ],
            update_conflicts=True,
            unique_fields=["security", "starts_on"],
            update_fields=["ends_on", "increment", "source"],
        )
    return len(rows)


def load_fund_terms(*, rows: Sequence[FundRow], source: str) -> int:
    """Write the terms of mutual funds; those of the same fund and custodian are replaced. How many were written.

    :raises BadMarketRules: if a line names an unknown custodian, or no mutual fund; nothing is written then
    """
    with transaction.atomic(using=OWNER):
        securities = _securities([(row.line, row.symbol) for row in rows], funds=True)
        custodians = _custodians(rows)
        for row in rows:
            FundTerms.objects.using(OWNER).update_or_create(
                security_id=securities[row.symbol],
                custodian=custodians[row.custodian],
                defaults={"cut_off_at": row.cut_off_at, "settle_days": row.settle_days, "source": source[:80]},
            )
    return len(rows)


def _custodians(rows: Sequence[FundRow]) -> Mapping[str, Custodian | None]:
    """By code; the empty code stands for every custodian.

    :raises BadMarketRules: naming the lines whose custodian is not known
    """
    known: dict[str, Custodian | None] = {row.code: row for row in Custodian.objects.using(OWNER).order_by("code")}
    there = ", ".join(known)
    wrong = [
        f"Line {row.line}: there is no custodian {row.custodian}; write one of {there}."
        for row in rows
        if row.custodian and row.custodian not in known
    ]
    if wrong:
        raise BadMarketRules(wrong)
    return {"": None, **known}


def _securities(named: Sequence[tuple[int, str]], *, funds: bool) -> Mapping[str, int]:
    """Ids by symbol.

    :raises BadMarketRules: naming the lines whose symbol is not known, or of the wrong kind
    """
    rows = Security.objects.using(OWNER).filter(symbol__in={symbol for _, symbol in named})
    known = {row.symbol: row for row in rows}
    wrong = []
    for line, symbol in named:
        if symbol not in known:
            wrong.append(f"Line {line}: there is no security {symbol}. Load the security master first.")
        elif (known[symbol].kind == SecurityKind.MUTUAL_FUND) != funds:
            kind = known[symbol].get_kind_display().lower()
            wrong.append(f"Line {line}: {symbol} is of kind {kind}. Take the line out.")
    if wrong:
        raise BadMarketRules(wrong)
    return {symbol: row.pk for symbol, row in known.items()}
