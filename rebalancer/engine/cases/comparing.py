"""Is the engine's answer what the case expects? Field by field, every machine-readable field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from rebalancer.engine.cases.prose import Stated, is_prose, read_clauses

Answer = Mapping[str, object]
"""Field by field: numbers unrounded or to the cent, dates, moments, codes, lists and mappings of these."""

NOT_ANSWERS = frozenset({"case"})
"""Expected fields that point somewhere else instead of expecting something."""

TOLERANCE, COLUMNS = "tolerance", "columns"
SETTINGS = frozenset({TOLERANCE, COLUMNS})
"""Expected fields that say how the others are to be read: how near numbers must be, and what a table's columns are."""

FEWEST_PLACES = 4


class Missing(Enum):
    """The engine says nothing of this field; an amount that is not there is zero."""

    HERE = "HERE"


@dataclass(frozen=True, slots=True)
class Near:
    """A measured figure, for a published one that is right within an amount or a fraction of itself."""

    value: Decimal
    within: Decimal = Decimal(0)
    fraction: Decimal = Decimal(0)

    def agrees(self, published: Decimal | int) -> bool:
        """Half a unit of the last decimal printed comes on top of the tolerance."""
        allowed = max(self.within, self.fraction * abs(Decimal(published)))
        return abs(self.value - published) <= allowed + _half_unit(published)


@dataclass(frozen=True, slots=True)
class Bar:
    """A measured figure, for an expected one that it must reach: no less than that, or no more."""

    value: Decimal
    no_less: bool = False

    def agrees(self, expected: Decimal | int) -> bool:
        allowed = _half_unit(expected)
        return self.value >= expected - allowed if self.no_less else self.value <= expected + allowed


class NotClaimed(Enum):
    """A field about something else than this engine."""

    HERE = "HERE"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures by the values of their key columns; columns that are not there are not claimed."""

    keys: tuple[str, ...]
    rows: Mapping[tuple[object, ...], Mapping[str, Near]]


@dataclass(slots=True)
class Comparison:
    """Names of the fields that were compared and that could not be, and a sentence for each difference.

    Numbers may differ by `tolerance` where that is more than their decimals allow.
    """

    tolerance: Fraction = Fraction(0)
    compared: list[str] = field(default_factory=list)
    uncompared: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def add(self, name: str, expected: object, answer: object) -> None:
        """Compare one value; containers are compared within."""
        if answer is NotClaimed.HERE:
            self.uncompared.append(name)
        elif isinstance(answer, Bar) and is_amount(expected):
            self._add_bar(name, Decimal(str(expected)), answer)
        elif is_prose(expected):
            self._add_sentence(name, str(expected), answer)
        elif isinstance(expected, dict) and isinstance(answer, Mapping):
            self._add_mapping(name, expected, answer)
        elif isinstance(expected, list) and isinstance(answer, Sequence) and not isinstance(answer, str):
            self._add_list(name, expected, answer)
        else:
            self._add_value(name, expected, answer)

    def _add_value(self, name: str, expected: object, answer: object) -> None:
        self.compared.append(name)
        if not same(expected, answer, tolerance=self.tolerance):
            self.differences.append(f"{name} is {shown(answer)}, expected {shown(expected)}")

    def _add_sentence(self, name: str, expected: str, answer: object) -> None:
        promised = read_clauses(expected)
        if promised is None or not isinstance(answer, Stated):
            self.uncompared.append(name)
            return
        self.compared.append(name)
        missing = sorted(promised - answer.clauses)
        if missing:
            self.differences.append(f"{name} is {answer.code}, which does not promise {', '.join(missing)}")

    def add_table(self, name: str, columns: object, rows: object, table: Table) -> None:
        """Compare the figures of every expected row that the table claims; a row it does not know differs."""
        if not isinstance(columns, list) or not isinstance(rows, list):
            self.add(name, rows, Missing.HERE)
            return
        for row in rows:
            cells = dict(zip(columns, row, strict=False)) if isinstance(row, list) else {}
            self._add_row(name, cells, table)

    def _add_row(self, name: str, cells: Mapping[str, object], table: Table) -> None:
        key = tuple(cells.get(column) for column in table.keys)
        name = f"{name}[{' '.join(map(shown, key))}]"
        claimed = table.rows.get(key)
        if claimed is None:
            self._add_value(name, "a row", Missing.HERE)
            return
        for column, figure in claimed.items():
            if column in cells:
                self._add_figure(f"{name}.{column}", cells[column], figure)
        self.uncompared.extend(f"{name}.{column}" for column in cells if column not in {*claimed, *table.keys})

    def _add_bar(self, name: str, expected: Decimal, bar: Bar) -> None:
        self.compared.append(name)
        if not bar.agrees(expected):
            wanted = "at least" if bar.no_less else "at most"
            self.differences.append(f"{name} is {bar.value}, expected {wanted} {expected}")

    def _add_figure(self, name: str, expected: object, figure: Near) -> None:
        self.compared.append(name)
        if not isinstance(expected, Decimal | int) or isinstance(expected, bool) or not figure.agrees(expected):
            self.differences.append(f"{name} is {figure.value:.4f}, expected {shown(expected)}")

    def _add_mapping(self, name: str, expected: Mapping[str, object], answer: Mapping[str, object]) -> None:
        for key, value in expected.items():
            self.add(f"{name}.{key}", value, answer.get(key, Missing.HERE))
        if all(is_amount(value) for value in answer.values()):
            for key in sorted(set(answer) - set(expected)):
                self.add(f"{name}.{key}", 0, answer[key])

    def _add_list(self, name: str, expected: Sequence[object], answer: Sequence[object]) -> None:
        if len(expected) != len(answer):
            self.compared.append(name)
            self.differences.append(f"{name} is {shown(answer)}, expected {shown(expected)}")
            return
        for at, (one, other) in enumerate(zip(expected, answer, strict=True)):
            self.add(f"{name}[{at}]", one, other)


def compare(expected: Mapping[str, object], answer: Answer) -> Comparison:
    """All expected fields against an answer; fields the case does not ask for are ignored."""
    result = Comparison(tolerance=_tolerance(expected))
    for name, value in expected.items():
        if name in SETTINGS:
            continue
        if name in NOT_ANSWERS:
            result.uncompared.append(name)
        elif isinstance(table := answer.get(name), Table):
            result.add_table(name, expected.get(COLUMNS), value, table)
        elif name in answer:
            result.add(name, value, answer[name])
        elif is_prose(value):
            result.uncompared.append(name)
        else:
            result.compared.append(name)
            result.differences.append(f"the engine says nothing about {name}, expected {shown(value)}")
    return result


def _tolerance(expected: Mapping[str, object]) -> Fraction:
    stated = expected.get(TOLERANCE)
    return Fraction(Decimal(stated)) if isinstance(stated, Decimal | int) else Fraction(0)


def _half_unit(printed: Decimal | int) -> Decimal:
    exponent = printed.as_tuple().exponent if isinstance(printed, Decimal) else None
    return Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) else Decimal(0)


def is_amount(value: object) -> bool:
    return isinstance(value, int | Decimal | Fraction) and not isinstance(value, bool)


def same(expected: object, answer: object, *, tolerance: Fraction = Fraction(0)) -> bool:
    """Equal as written: numbers to the decimals given, but to four at least; dates and moments as ISO text.

    Numbers within the tolerance are equal, too.
    """
    if isinstance(answer, Missing):
        return is_amount(expected) and expected == 0
    if isinstance(expected, Decimal | int) and not isinstance(expected, bool):
        if not isinstance(answer, int | Decimal | Fraction) or isinstance(answer, bool):
            return False
        return abs(Fraction(answer) - Fraction(expected)) <= _allowed(Decimal(expected), tolerance)
    if isinstance(answer, Stated):
        return answer.code == expected
    if isinstance(answer, date):
        return _iso(answer) == expected
    return type(expected) is type(answer) and expected == answer


def _allowed(expected: Decimal, tolerance: Fraction) -> Fraction:
    exponent = expected.as_tuple().exponent
    places = max(-exponent if isinstance(exponent, int) else 0, FEWEST_PLACES)
    return max(tolerance, Fraction(1, 2 * 10**places))


def _iso(when: date) -> str:
    return when.isoformat().replace("+00:00", "Z") if isinstance(when, datetime) else when.isoformat()


def shown(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, Missing):
        return "missing"
    if isinstance(value, Stated):
        return value.code
    if isinstance(value, Fraction):
        return f"{float(value):.6f}" if value.denominator != 1 else str(value.numerator)
    if isinstance(value, date):
        return _iso(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(part)}" for key, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(shown(part) for part in value) + "]"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
