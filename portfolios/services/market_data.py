"""The installation's market data and security master, written by its operator through the owner's connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolios.models import AssetClass, Price, Security, WashGroup

OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRow:
    symbol: str
    cusip: str
    name: str
    kind: str
    asset_class: str
    wash_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRow:
    """A day's close, bid and ask in dollars a share, and average daily volume in shares."""

    symbol: str
    priced_on: date
    close: Decimal
    bid: Decimal
    ask: Decimal
    adv_shares: int


def load_asset_classes(rows: Iterable[tuple[str, str, int]]) -> None:
    """Write asset classes: code, name, and place in lists."""
    AssetClass.objects.using(OWNER).bulk_create(
        [AssetClass(code=code, name=name, position=position) for code, name, position in rows],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "position"],
    )


def load_wash_groups(rows: Iterable[tuple[str, str, str]]) -> None:
    """Write groups of substantially identical securities: code, name, and why they are."""
    WashGroup.objects.using(OWNER).bulk_create(
        [WashGroup(code=code, name=name, rationale=rationale) for code, name, rationale in rows],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "rationale"],
    )


def load_securities(rows: Iterable[SecurityRow]) -> None:
    """Write securities by symbol; their classes and groups must be there.

    :raises KeyError: for a class or group that is not
    """
    classes = _ids(AssetClass.objects.using(OWNER).values_list("code", "id"))
    groups = _ids(WashGroup.objects.using(OWNER).values_list("code", "id"))
    Security.objects.using(OWNER).bulk_create(
        [
            Security(
                symbol=row.symbol,
                cusip=row.cusip,
                name=row.name,
                kind=row.kind,
                asset_class_id=classes[row.asset_class],
                wash_group_id=groups[row.wash_group],
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=["cusip", "name", "kind", "asset_class", "wash_group"],
    )


def load_quotes(rows: Iterable[QuoteRow], *, source: str) -> None:
    """Write quotes by security and day; a later one of the same day replaces the earlier.

    :raises KeyError: for a symbol that is not in the security master
    """
    securities = _ids(Security.objects.using(OWNER).values_list("symbol", "id"))
    Price.objects.using(OWNER).bulk_create(
        [
            Price(
                security_id=securities[row.symbol],
                priced_on=row.priced_on,
                close=row.close,
                bid=row.bid,
                ask=row.ask,
                adv_shares=row.adv_shares,
                source=source,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["security", "priced_on"],
        update_fields=["close", "bid", "ask", "adv_shares", "source"],
    )


def _ids(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    return dict(pairs)
