"""Small accessible charts as SVG text: no script, no inline style, colours by class so that themes and print decide.

Every figure is `role="img"` with a title and a description that says in words what the drawing shows; the pages set
the same numbers in a table beside it. Positions along a bar are percentages of its width, so a chart fits any column
without distorting its marks. Everything that came from outside is escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from portfolios.figures import Number, percent_text, points_text

BULLET_HEIGHT = 28
BULLET_MIDDLE = 14
STACK_ROW = 26
SPARK_HEIGHT = 36
COLOURS = 12


@dataclass(frozen=True, slots=True)
class Bullet:
    """One class against its target: weights are fractions of the whole, `low` to `high` is the permitted band."""

    label: str
    target: Number
    low: Number
    high: Number
    current: Number
    proposed: Number | None = None

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"the band of {self.label} ends below its start: {self.low} > {self.high}")


@dataclass(frozen=True, slots=True)
class Slice:
    """One class of an allocation before and after; weights are fractions of the whole."""

    label: str
    before: Number
    after: Number


def scale_for(weights: Iterable[Number]) -> float:
    """The right-hand end of a shared axis: the largest weight with some air, rounded up to the next five points."""
    largest = max((float(weight) for weight in weights), default=0.0)
    steps = int(min(max(largest * 1.06, 0.05), 1.0) * 20 + 0.999999)
    return min(steps, 20) / 20


def bullet_bar(bullet: Bullet, *, scale: float = 1.0) -> str:
    """A band, the target as a tick, today as a disc and, where given, the proposal as a diamond with a line between."""
    low, high = _at(bullet.low, scale), _at(bullet.high, scale)
    target, now = _at(bullet.target, scale), _at(bullet.current, scale)
    inside = bullet.low <= bullet.current <= bullet.high
    parts = [
        f'<rect class="bb-track" x="0" y="{BULLET_MIDDLE - 1}" width="100%" height="2" rx="1"/>',
        f'<rect class="bb-band" x="{low}%" y="5" width="{_width(low, high)}%" height="18" rx="3"/>',
        f'<line class="bb-target" x1="{target}%" x2="{target}%" y1="2" y2="26"/>',
    ]
    if bullet.proposed is not None:
        then = _at(bullet.proposed, scale)
        line = f'x1="{now}%" x2="{then}%" y1="{BULLET_MIDDLE}" y2="{BULLET_MIDDLE}"'
        parts.append(f'<line class="bb-move" {line}/>')
        parts.append(_mark(then, "bb-after", '<path d="M0-6.5 6.5 0 0 6.5-6.5 0Z"/>'))
    parts.append(_mark(now, "bb-now" if inside else "bb-now bb-out", '<circle r="5"/>'))
    return _figure("bullet", BULLET_HEIGHT, bullet.label, _bullet_words(bullet), parts)


def allocation_bars(slices: Sequence[Slice], *, label: str = "Allocation") -> str:
    """Two stacked bars, before above after, one segment for each class, named where there is room for its name."""
    rows = [_stack([(s.label, s.before) for s in slices], top=0), _stack([(s.label, s.after) for s in slices], top=34)]
    words = "; ".join(f"{s.label} {percent_text(s.before, 1)} to {percent_text(s.after, 1)}" for s in slices)
    return _figure("stack", 34 + STACK_ROW, label, f"Before to after: {words}.", rows)


def drift_bar(before: Number, after: Number | None, limit: Number | None, *, scale: float = 0.12) -> str:
    """A cell-sized drawing of drift against its limit. It is decoration: the numbers beside it say the same."""
    now, inside = _at(before, scale), _at(before if limit is None else min(before, limit), scale)
    parts = [_line("db-track", "100"), _line("db-over", now), _line("db-now", inside)]
    if after is not None:
        parts.append(_line("db-after", _at(after, scale)))
    if limit is not None:
        at = _at(limit, scale)
        parts.append(f'<line class="db-limit" x1="{at}%" x2="{at}%" y1="1" y2="13"/>')
    return f'<svg class="chart drift-bar" width="100%" height="14" aria-hidden="true">{"".join(parts)}</svg>'


def sparkline(values: Sequence[Number], *, limit: Number | None = None, label: str = "Drift") -> str:
    """Drift over time, oldest first, with its limit as a dashed line; the last point carries a dot."""
    if len(values) < 2:
        return ""
    top = max(float(v) for v in (*values, limit or 0)) * 1.15 or 1.0
    points = [(100 * i / (len(values) - 1), _level(v, top)) for i, v in enumerate(values)]
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    drawn = f'<polyline class="sp-line" points="{path}" vector-effect="non-scaling-stroke"/>'
    size = f'viewBox="0 0 100 {SPARK_HEIGHT}" width="100%" height="{SPARK_HEIGHT}" preserveAspectRatio="none"'
    parts = [f"<svg {size}>{drawn}</svg>"]
    if limit is not None:
        y = _number(_level(limit, top))
        parts.insert(0, f'<line class="sp-limit" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
    parts.append(f'<circle class="sp-end" cx="100%" cy="{_number(points[-1][1])}" r="3"/>')
    return _figure("spark", SPARK_HEIGHT, label, _spark_words(values, limit), parts)


def _stack(segments: Sequence[tuple[str, Number]], *, top: int) -> str:
    total = sum(max(float(weight), 0.0) for _, weight in segments) or 1.0
    drawn, start = [], 0.0
    for index, (name, weight) in enumerate(segments):
        share = max(float(weight), 0.0) / total
        drawn.append(_segment(name, index, start, share, top))
        start += share
    return "".join(drawn)


def _segment(name: str, index: int, start: float, share: float, top: int) -> str:
    """One segment; a name is written only when it fits at the narrowest width the page is meant for."""
    if share <= 0:
        return ""
    box = f'x="{_number(start * 100)}%" y="{top}" width="{_number(share * 100)}%" height="{STACK_ROW}"'
    drawn = f'<rect class="st-seg st-{index % COLOURS + 1}" {box}/>'
    if share * 45 > len(name) + 1:
        at = _number((start + share / 2) * 100)
        place = f'x="{at}%" y="{top + 17}" text-anchor="middle"'
        drawn += f'<text class="st-name st-on-{index % COLOURS + 1}" {place}>{escape(name)}</text>'
    return drawn


def _bullet_words(bullet: Bullet) -> str:
    place = "inside" if bullet.low <= bullet.current <= bullet.high else "outside"
    words = (
        f"Now {percent_text(bullet.current, 1)}, {place} the band of {percent_text(bullet.low, 1)} to "
        f"{percent_text(bullet.high, 1)}; target {percent_text(bullet.target, 1)}"
    )
    return words + (f"; proposed {percent_text(bullet.proposed, 1)}." if bullet.proposed is not None else ".")


def _spark_words(values: Sequence[Number], limit: Number | None) -> str:
    words = f"From {points_text(values[0])} to {points_text(values[-1])} points over {len(values)} readings"
    return words + (f"; limit {points_text(limit)} points." if limit is not None else ".")


def _figure(kind: str, height: int, title: str, description: str, parts: Sequence[str]) -> str:
    head = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    name = escape(f"{title}. {description}")
    return (
        f'<svg class="chart {kind}" role="img" aria-label="{name}" width="100%" height="{height}">'
        f"{head}{''.join(parts)}</svg>"
    )


def _line(css: str, width: str) -> str:
    return f'<rect class="{css}" x="0" y="5" width="{width}%" height="4" rx="2"/>'


def _mark(at: str, css: str, shape: str) -> str:
    return f'<svg class="{css}" x="{at}%" y="{BULLET_MIDDLE}" overflow="visible">{shape}</svg>'


def _at(weight: Number, scale: float) -> str:
    """Where a weight stands, as a percentage of the width; what lies beyond the axis is drawn at its end."""
    return _number(min(max(float(weight) / scale, 0.0), 1.0) * 100)


def _width(low: str, high: str) -> str:
    return _number(max(float(high) - float(low), 0.0))


def _level(value: Number, top: float) -> float:
    return 3 + (SPARK_HEIGHT - 6) * (1 - float(value) / top)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
