"""The list of what is wrong in a file while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from portfolios.feeds.records import UNSUPPORTED_KINDS, Code, Kind, RowProblem, Severity
from portfolios.feeds.values import RowFault

_KIND_NAMES = {
    Kind.BOND: "a bond",
    Kind.OPTION: "an option",
    Kind.FUTURE: "a future",
    Kind.OTHER: "of a kind we do not know",
}


@dataclass(slots=True)
class Problems:
    """Collects problems; sentences begin with where it stands. `place` is "Line" or an XML element's name."""

    place: str = "Line"
    found: list[RowProblem] = field(default_factory=list)

    def quarantine(self, fault: RowFault, row_number: int, account: str | None) -> None:
        self._add(fault.code, fault.sentence, row_number, account, Severity.QUARANTINE_ROW)

    def flag(self, code: Code, sentence: str, row_number: int, account: str) -> None:
        self._add(code, sentence, row_number, account, Severity.FLAG_ACCOUNT)

    def flag_basis(self, what: str, row_number: int, account: str) -> None:
        sentence = f"the cost basis of {what} is missing; gains cannot be computed until it is known"
        self.flag(Code.MISSING_BASIS, sentence, row_number, account)

    def flag_currency(self, currency: str, what: str, row_number: int, account: str) -> None:
        sentence = f"{what} is in {currency}; only US dollars are traded here"
        self.flag(Code.FOREIGN_CURRENCY, sentence, row_number, account)

    def flag_kind(self, kind: Kind, what: str, row_number: int, account: str) -> None:
        if kind in UNSUPPORTED_KINDS:
            sentence = f"{what} is {_KIND_NAMES[kind]}, which is not traded here; look after it at the custodian"
            self.flag(Code.UNSUPPORTED_KIND, sentence, row_number, account)

    def _add(self, code: Code, sentence: str, row_number: int, account: str | None, severity: Severity) -> None:
        self.found.append(RowProblem(row_number, account, code, f"{self.place} {row_number}: {sentence}.", severity))

    def in_order(self) -> tuple[RowProblem, ...]:
        return tuple(sorted(self.found, key=lambda problem: (problem.row_number or 0, problem.code, problem.sentence)))
