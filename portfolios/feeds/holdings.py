"""Reads one holding from the cells of its row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from portfolios.feeds import values
from portfolios.feeds.checks import check_worth
from portfolios.feeds.layout import Variant
from portfolios.feeds.records import Code, Kind, PositionRecord
from portfolios.feeds.text import shown
from portfolios.feeds.values import RowFault

Texts = Mapping[str, str]


def read_holding(
    texts: Texts, *, variant: Variant, section: str, row_number: int, account_number: str, custodian: str
) -> PositionRecord | None:
    """The holding, or None for one that was sold out (no shares, no value).

    :raises RowFault: when a value cannot be read, the value is not quantity times price, or the position is short
    """
    value = values.number(texts["market_value"], "market value")
    kind = _kind(texts, variant, section)
    symbol = _symbol(texts, variant, kind)
    name = symbol or shown(texts["description"])
    quantity = values.quantity(texts["quantity"], f"quantity of {name}")
    if quantity == 0 and value == 0:
        return None
    price = values.number_or_none(texts["price"], f"price of {name}")
    basis = values.number_or_none(texts["cost_basis"], f"cost basis of {name}")
    if quantity < 0:
        raise RowFault(Code.SHORT_POSITION, f"{name} is sold short ({quantity}); short positions are not handled here")
    check_worth(
        name, quantity=quantity, price=price, value=value, kind=kind, quantity_decimals=variant.quantity_decimals
    )
    check_basis(basis, name)
    return PositionRecord(
        row_number=row_number,
        account_number=account_number,
        custodian=custodian,
        symbol=symbol,
        cusip=symbol if values.is_cusip(symbol) else "",
        description=texts["description"],
        kind=kind,
        quantity=quantity,
        price=price,
        market_value=value,
        cost_basis=basis,
    )


def check_basis(basis: Decimal | None, name: str) -> None:
    """:raises RowFault: for a negative one"""
    if basis is not None and basis < 0:
        raise RowFault(Code.BAD_NUMBER, f"the cost basis of {name} is negative")


def _kind(texts: Texts, variant: Variant, section: str) -> Kind:
    """By the column of kinds, else by the section, else by the form of the symbol."""
    said = variant.kinds.get(texts.get("kind", "").lower()) or variant.kinds.get(section.lower())
    if said is not None:
        return said
    symbol = texts["symbol"].upper()
    return next((kind for pattern, kind in variant.symbol_kinds if pattern.fullmatch(symbol)), Kind.UNKNOWN)


def _symbol(texts: Texts, variant: Variant, kind: Kind) -> str:
    """In capitals, share classes after a full stop (BRK.B); options may have none, then the description names them."""
    if kind is Kind.OPTION and not texts["symbol"]:
        return ""
    symbol = values.symbol(texts["symbol"])
    if variant.symbol_separator and kind is not Kind.OPTION:
        return symbol.replace(variant.symbol_separator, ".")
    return symbol
