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

FEWEST_PLACES = 4


class Missing(Enum):
    """The engine says nothing of this field; an amount that is not there is zero."""

    HERE = "HERE"


@dataclass(slots=True)
class Comparison:
    """Names of the fields that were compared and that could not be, and a sentence for each difference."""

    compared: list[str] = field(default_factory=list)
    uncompared: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def add(self, name: str, expected: object, answer: object) -> None:
        """Compare one value; containers are compared within."""
        if is_prose(expected):
            self._add_sentence(name, str(expected), answer)
        elif isinstance(expected, dict) and isinstance(answer, Mapping):
            self._add_mapping(name, expected, answer)
        elif isinstance(expected, list) and isinstance(answer, Sequence) and not isinstance(answer, str):
            self._add_list(name, expected, answer)
        else:
            self._add_value(name, expected, answer)

    def _add_value(self, name: str, expected: object, answer: object) -> None:
        self.compared.append(name)
        if not same(expected, answer):
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
    result = Comparison()
    for name, value in expected.items():
        if name in NOT_ANSWERS:
            result.uncompared.append(name)
        elif name in answer:
            result.add(name, value, answer[name])
        elif is_prose(value):
            result.uncompared.append(name)
        else:
            result.compared.append(name)
            result.differences.append(f"the engine says nothing about {name}, expected {shown(value)}")
    return result


def is_amount(value: object) -> bool:
    return isinstance(value, int | Decimal | Fraction) and not isinstance(value, bool)


def same(expected: object, answer: object) -> bool:
    """Equal as written: numbers to the decimals given, but to four at least; dates and moments as ISO text."""
    if isinstance(answer, Missing):
        return is_amount(expected) and expected == 0
    if isinstance(expected, Decimal | int) and not isinstance(expected, bool):
        return isinstance(answer, int | Decimal | Fraction) and is_amount(answer) and _close(Decimal(expected), answer)
    if isinstance(answer, Stated):
        return answer.code == expected
    if isinstance(answer, date):
        return _iso(answer) == expected
    return type(expected) is type(answer) and expected == answer


def _close(expected: Decimal, answer: int | Decimal | Fraction) -> bool:
    exponent = expected.as_tuple().exponent
    places = max(-exponent if isinstance(exponent, int) else 0, FEWEST_PLACES)
    return abs(Fraction(answer) - Fraction(expected)) <= Fraction(1, 2 * 10**places)


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
