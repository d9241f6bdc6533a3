"""Case files: a JSON list of {id, topic, inputs, expected}; numbers are read as Decimal, never as float."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn

LARGEST_EXPONENT = 20
SAME_AS, DATA, DATA_TEXT = "same_as", "data", "data_text"

Json = object
"""What JSON holds, with Decimal for every number that is not a plain integer."""


class BadFile(ValueError):
    """A file that is not a list of cases; the message is a sentence."""


class BadCase(ValueError):
    """A case that cannot be run as it stands; the message is a sentence."""


class NotCovered(Exception):
    """A case about something the engine has no rule for."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case; inputs and expected are as written, and may be malformed."""

    case_id: str
    topic: str
    inputs: Json
    expected: Json


def read_cases(text: str) -> list[Case]:
    """The cases of a file; inputs `same_as` another case's are those, with what stands beside the reference over them.

    :raises BadFile: when the text is not JSON, not a list, or an entry has no id or topic
    """
    try:
        content = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"This is not a file of cases: it cannot be read as JSON ({error}).") from error
    if not isinstance(content, list):
        raise BadFile("This is not a file of cases: it must be a JSON list of cases.")
    cases = [_read_case(entry, at) for at, entry in enumerate(content, start=1)]
    by_id = {case.case_id: case for case in cases}
    return [replace(case, inputs=_referred(_inherited(case.inputs, by_id, frozenset()), by_id)) for case in cases]


def _referred(inputs: Json, by_id: Mapping[str, Case]) -> Json:
    """Inputs in which a text that names another case stands beside what that case has there: {said, of}."""
    if not isinstance(inputs, dict):
        return inputs
    found = dict(inputs)
    for name, value in inputs.items():
        for word in value.replace(",", " ").split() if isinstance(value, str) and name != SAME_AS else ():
            other = by_id[word].inputs if word in by_id else None
            if isinstance(other, dict) and name in other:
                found[name] = {"said": value, "of": other[name], "beside": other}
    return found


def _inherited(inputs: Json, by_id: Mapping[str, Case], seen: frozenset[str]) -> Json:
    """Inputs with those they refer to; a reference to nothing, or in a circle, stays as it is."""
    if not isinstance(inputs, dict) or not isinstance(named := inputs.get(SAME_AS), str):
        return inputs
    if named in seen or named not in by_id:
        return inputs
    other = _inherited(by_id[named].inputs, by_id, seen | {named})
    if not isinstance(other, dict) or SAME_AS in other:
        return inputs
    return other | {name: value for name, value in inputs.items() if name != SAME_AS}


def data_named(cases: Sequence[Case]) -> set[str]:
    """The files of data that cases refer to, as they write them."""
    named = {case.inputs.get(DATA) for case in cases if isinstance(case.inputs, dict)}
    return {name for name in named if isinstance(name, str)}


def with_data(case: Case, texts: Mapping[str, str]) -> Case:
    """The case with the text of the file it refers to among its inputs, if that is here."""
    if not isinstance(case.inputs, dict) or not isinstance(name := case.inputs.get(DATA), str) or name not in texts:
        return case
    return replace(case, inputs=case.inputs | {DATA_TEXT: texts[name]})


def _read_case(entry: Json, at: int) -> Case:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not isinstance(entry.get("topic"), str):
        raise BadFile(f"This is not a file of cases: entry {at} has no id and topic.")
    return Case(entry["id"], entry["topic"], entry.get("inputs"), entry.get("expected"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a case, read by name and type; what is missing or of another kind raises BadCase."""

    values: Mapping[str, Json]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def get(self, *names: str) -> Json:
        """The first of these names that is there.

        :raises BadCase: when none is
        """
        for name in names:
            if self.values.get(name) is not None:
                return self.values[name]
        raise BadCase(f"The input {names[0]!r} is missing.")

    def decimal(self, *names: str, default: Decimal | None = None) -> Decimal:
        if default is not None and not any(name in self for name in names):
            return default
        return as_decimal(self.get(*names), names[0])

    def text(self, *names: str, default: str | None = None) -> str:
        if default is not None and not any(name in self for name in names):
            return default
        value = self.get(*names)
        if not isinstance(value, str):
            raise BadCase(f"The input {names[0]!r} should be text, not {value}.")
        return value

    def day(self, *names: str) -> date:
        return as_date(self.get(*names), names[0])

    def moment(self, *names: str) -> datetime:
        """An aware moment.

        :raises BadCase: without an offset
        """
        when = self.wall_clock(*names)
        if when.tzinfo is None:
            raise BadCase(f"The input {names[0]!r} has no time zone.")
        return when

    def wall_clock(self, *names: str) -> datetime:
        try:
            return datetime.fromisoformat(self.text(*names))
        except ValueError as error:
            raise BadCase(f"The input {names[0]!r} is not a time: {self.get(*names)}.") from error

    def flag(self, *names: str, default: bool | None = None) -> bool:
        if default is not None and not any(name in self for name in names):
            return default
        value = self.get(*names)
        if not isinstance(value, bool):
            raise BadCase(f"The input {names[0]!r} should be true or false, not {value}.")
        return value

    def items(self, *names: str) -> Sequence[Json]:
        value = self.get(*names)
        if not isinstance(value, list):
            raise BadCase(f"The input {names[0]!r} should be a list.")
        return value

    def amounts(self, *names: str) -> dict[str, Decimal]:
        value = self.get(*names)
        if not isinstance(value, dict):
            raise BadCase(f"The input {names[0]!r} should name amounts.")
        return {name: as_decimal(amount, f"{names[0]}.{name}") for name, amount in value.items()}

    def rows(self, *names: str) -> list[Inputs]:
        return [Inputs(as_mapping(row, names[0])) for row in self.items(*names)]

    def inner(self, *names: str) -> Inputs:
        return Inputs(as_mapping(self.get(*names), names[0]))


def as_mapping(value: Json, name: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise BadCase(f"{name!r} should be an object with named fields.")
    return value


def as_decimal(value: Json, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadCase(f"The input {name!r} should be a number, not {value!r}.")
    number = Decimal(value)
    if number and abs(number.adjusted()) > LARGEST_EXPONENT:
        raise BadCase(f"The input {name!r} is out of range.")
    return number


def as_date(value: Json, name: str) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadCase(f"The input {name!r} should be a date, not {value!r}.") from error
