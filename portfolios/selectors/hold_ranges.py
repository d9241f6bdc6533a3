"""The hold ranges of an account: in words, and as a short text that changes with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from portfolios.figures import money_text, percent_text, shares_text
from portfolios.models import HoldRange

Unit = HoldRange.Unit
CENT = Decimal("0.01")


def ranges_of(firm_id: int, account_id: int) -> list[HoldRange]:
    """The account's ranges with their securities, by symbol."""
    rows = HoldRange.objects.for_firm(firm_id).filter(account_id=account_id)
    return list(rows.select_related("security").order_by("security__symbol", "id"))


def ranges_digest(rows: Sequence[HoldRange]) -> str:
    """What these ranges say; equal as long as nobody changes one."""
    values = sorted([str(row.security_id), *map(str, said(row).values())] for row in rows)
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def said(row: HoldRange) -> dict[str, str | None]:
    """What a range says of its security, as the audit trail keeps it: the same whatever zeros an end was typed with."""
    ends = {name: getattr(row, name) for name in ("lowest", "highest")}
    plain = {name: None if end is None else f"{end:.6f}" for name, end in ends.items()}
    return {"unit": str(row.unit), **plain, "reason": row.reason}


def range_lines(rows: Sequence[HoldRange]) -> list[dict[str, Any]]:
    return [{"symbol": row.security.symbol, "text": range_text(row), "reason": row.reason} for row in rows]


def range_text(row: HoldRange) -> str:
    """`at least 100 shares, at most 2.5% of the account`."""
    ends = (("at least", row.lowest), ("at most", row.highest))
    return ", ".join(f"{words} {amount_text(row.unit, end)}" for words, end in ends if end is not None)


def amount_text(unit: str, amount: Decimal | None) -> str:
    """An amount in a range's unit; a dash where it is not known."""
    return _TEXTS[Unit(unit)](amount)


def _shares(amount: Decimal | None) -> str:
    return f"{shares_text(amount)} share{'' if amount == 1 else 's'}"


def _dollars(amount: Decimal | None) -> str:
    return money_text(amount, 0 if amount is None or amount == amount.to_integral_value() else 2)


def _weight(amount: Decimal | None) -> str:
    decimals = 0 if amount is None else max(-int(Decimal(amount * 100).normalize().as_tuple().exponent), 0)
    return f"{percent_text(amount, decimals)} of the account"


_TEXTS: Mapping[Unit, Callable[[Decimal | None], str]] = {
    Unit.SHARES: _shares,
    Unit.DOLLARS: _dollars,
    Unit.WEIGHT: _weight,
}
