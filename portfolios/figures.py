"""How figures are written on a page: plain text, no markup, no Django.

Money is dollars, weights are fractions, a real minus sign keeps columns aligned, and what is not known is a dash.
Rounding here is for reading only; nothing that is written by these functions is ever read back.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

Number = Decimal | int | float

UNKNOWN = "—"
MINUS = "\u2212"
NEW_YORK = ZoneInfo("America/New_York")


def money_text(amount: Number | None, decimals: int = 2) -> str:
    """`$1,234.50`, `−$1,234.50`, or a dash when the amount is not known."""
    return UNKNOWN if amount is None else _signed(amount, decimals, "$", plus=False)


def price_text(price: Decimal | None) -> str:
    """`$60.00`, and as many decimals more as the price has: `$59.945`, `$0.5006`."""
    if price is None:
        return UNKNOWN
    exponent = price.normalize().as_tuple().exponent
    return money_text(price, max(2, -exponent if isinstance(exponent, int) else 2))


def signed_money_text(amount: Number | None, decimals: int = 2) -> str:
    """`+$1,234.50`, `−$1,234.50`, `$0.00`."""
    return UNKNOWN if amount is None else _signed(amount, decimals, "$", plus=True)


def compact_money_text(amount: Number | None) -> str:
    """`$4.21m`, `$812k`, `$950`: for tiles and sums, where the cent would be noise."""
    if amount is None:
        return UNKNOWN
    size = abs(Decimal(str(amount)))
    sign = MINUS if amount < 0 else ""
    if size >= 999_500:
        return f"{sign}${size / 1_000_000:,.2f}m"
    return f"{sign}${size / 1_000:,.0f}k" if size >= 10_000 else f"{sign}${size:,.0f}"


def shares_text(quantity: Number | None) -> str:
    """Up to six decimals, without the zeros that say nothing."""
    if quantity is None:
        return UNKNOWN
    text = f"{abs(Decimal(str(quantity))):,.6f}".rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if quantity < 0 else text


def percent_text(weight: Number | None, decimals: int = 2) -> str:
    """A fraction as a percentage: `0.05` is `5.00%`."""
    if weight is None:
        return UNKNOWN
    text = f"{abs(Decimal(str(weight)) * 100):,.{decimals}f}%"
    return f"{MINUS}{text}" if weight < 0 and text.strip("0.%") else text


def points_text(weight: Number | None, decimals: int = 1) -> str:
    """A difference of weights in percentage points, without its unit: `0.052` is `5.2`."""
    return UNKNOWN if weight is None else _signed(Decimal(str(weight)) * 100, decimals, "", plus=False)


def signed_points_text(weight: Number | None, decimals: int = 1) -> str:
    return UNKNOWN if weight is None else _signed(Decimal(str(weight)) * 100, decimals, "", plus=True)


def day_text(day: date | None) -> str:
    """`Nov 23, 2026`."""
    return UNKNOWN if day is None else f"{day:%b} {day.day}, {day.year}"


def moment_text(moment: datetime | None) -> str:
    """`Nov 23, 2:31 PM ET`: the clock of the exchange, whatever the reader's."""
    if moment is None:
        return UNKNOWN
    there = _in_new_york(moment)
    return f"{there:%b} {there.day}, {clock_text(moment)}"


def clock_text(moment: datetime) -> str:
    there = _in_new_york(moment)
    return f"{there.hour % 12 or 12}:{there:%M %p} ET"


def _in_new_york(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(NEW_YORK)


def _signed(amount: Number, decimals: int, unit: str, *, plus: bool) -> str:
    """Round first, sign afterwards, so that nothing is ever written as minus zero."""
    text = f"{abs(Decimal(str(amount))):,.{decimals}f}"
    if not text.strip("0.,"):
        return f"{unit}{text}"
    sign = MINUS if amount < 0 else "+" if plus else ""
    return f"{sign}{unit}{text}"
