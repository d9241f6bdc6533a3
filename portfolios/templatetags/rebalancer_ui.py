"""How pages write figures and draw bars: thin tags over `portfolios.figures` and `portfolios.charts`."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portfolios import charts, figures
from portfolios.figures import Number

register = template.Library()

TONES: Mapping[str, str] = {
    **dict.fromkeys(("FILLED", "APPROVED", "DONE", "APPLIED", "PASS", "EXECUTED", "COMPLETED"), "good"),
    **dict.fromkeys(("REJECTED", "FAILED", "BLOCK", "BLOCKED", "REFUSED", "BAD", "BUSTED", "BROKEN"), "bad"),
    **dict.fromkeys(("STALE", "UNKNOWN", "WARN", "NOTE", "PARTLY", "EXPIRED", "NEEDS_SECOND", "HELD"), "warn"),
    **dict.fromkeys(("CANCELLED", "CANCELED", "DUPLICATE", "SUPERSEDED", "NONE", "NOT_DUE"), "quiet"),
}

register.filter("money", figures.money_text)
register.filter("price", figures.price_text)
register.filter("compact_money", figures.compact_money_text)
register.filter("shares", figures.shares_text)
register.filter("percent", figures.percent_text)
register.filter("points", figures.points_text)
register.filter("signed_money", figures.signed_money_text)


@register.filter
def signed_points(weight: Number | None, decimals: int = 1) -> str:
    """`+1.2 pts`."""
    text = figures.signed_points_text(weight, decimals)
    return text if weight is None else f"{text}\u00a0pts"


@register.filter
def gain(amount: Number | None, decimals: int = 0) -> SafeString:
    """A gain or loss with its sign, its colour, and the word for those who see neither."""
    text = figures.signed_money_text(amount, decimals)
    if amount is None:
        return format_html('<span class="num quiet">{}<span class="sr">not known</span></span>', text)
    if not amount:
        return format_html('<span class="num quiet">{}</span>', text)
    css, word = ("gain", "gain") if amount > 0 else ("loss", "loss")
    return format_html('<span class="num {}">{}<span class="sr"> {}</span></span>', css, text, word)


@register.filter
def day(value: date | None) -> SafeString | str:
    """A date as `<time>`, or a dash."""
    if value is None:
        return figures.UNKNOWN
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), figures.day_text(value))


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A moment as `<time>` in the exchange's time zone, or a dash."""
    if value is None:
        return figures.UNKNOWN
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), figures.moment_text(value))


@register.filter
def status_tone(status: object) -> str:
    """The tone of a state's pill: good, bad, warn, quiet or busy."""
    return TONES.get(str(status or "").upper(), "busy")


@register.filter
def words(code: object) -> str:
    """`PARTIALLY_FILLED` as `Partially filled`, for a state that came without its label."""
    text = str(code or "").replace("_", " ").strip()
    return text[:1].upper() + text[1:].lower() if text.isupper() else text


@register.simple_tag
def bullet_bar(row: Any, scale: float = 1.0) -> SafeString:
    """Draw one CLASS row (see the pages' contracts): its band, target, weight now and, if given, proposed."""
    bullet = charts.Bullet(
        label=str(_of(row, "plain_name") or _of(row, "name")),
        target=_of(row, "target_weight"),
        low=_of(row, "low_weight"),
        high=_of(row, "high_weight"),
        current=_of(row, "before_weight"),
        proposed=_of(row, "after_weight"),
    )
    return _drawn(charts.bullet_bar(bullet, scale=scale))


@register.simple_tag
def bullet_scale(rows: Iterable[Any]) -> float:
    """One axis for a whole table of CLASS rows, so that their bars can be compared by eye."""
    fields = ("before_weight", "after_weight", "high_weight")
    return charts.scale_for(value for row in rows for field in fields if (value := _of(row, field)) is not None)


@register.simple_tag
def allocation_bars(rows: Iterable[Any], label: str = "Allocation") -> SafeString:
    """Two stacked bars, before and after, of CLASS rows."""
    slices = [charts.Slice(str(_of(r, "name")), _of(r, "before_weight"), _of(r, "after_weight") or 0) for r in rows]
    return _drawn(charts.allocation_bars(slices, label=label))


@register.simple_tag
def drift_bar(
    before: Number, after: Number | None = None, limit: Number | None = None, scale: float = 0.12
) -> SafeString:
    return _drawn(charts.drift_bar(before, after, limit, scale=scale))


@register.simple_tag
def sparkline(values: list[Number], limit: Number | None = None, label: str = "Drift") -> SafeString:
    return _drawn(charts.sparkline(values, limit=limit, label=label))


def _of(row: Any, field: str) -> Any:
    """A field of a mapping or of an object, as a template would find it; absent is None."""
    return row.get(field) if isinstance(row, Mapping) else getattr(row, field, None)


def _drawn(svg: str) -> SafeString:
    """Markup that `charts` made: it escapes every word that it did not write itself."""
    return mark_safe(svg)  # noqa: S308
