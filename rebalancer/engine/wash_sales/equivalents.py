"""Which securities are substantially identical: a dated table that a firm can edit, never law.

The law gives no bright line for funds. The default: one security, and share classes of one portfolio, are blocked; so
are funds of different sponsors that track one index; another index is allowed; share classes of one company, and what
the table does not know, go to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import combinations


class Verdict(StrEnum):
    """What may be bought beside a loss."""

    BLOCK = "BLOCK"
    ALLOW = "ALLOW"
    REVIEW = "REVIEW"


class Likeness(StrEnum):
    """Why."""

    SAME_SECURITY = "SAME_SECURITY"
    SHARE_CLASS = "SHARE_CLASS"
    SAME_INDEX = "SAME_INDEX"
    OTHER_INDEX = "OTHER_INDEX"
    SAME_COMPANY = "SAME_COMPANY"
    OTHER_COMPANY = "OTHER_COMPANY"
    FIRM_RULING = "FIRM_RULING"
    UNKNOWN = "UNKNOWN"


VERDICTS: Mapping[Likeness, Verdict] = {
    Likeness.SAME_SECURITY: Verdict.BLOCK,
    Likeness.SHARE_CLASS: Verdict.BLOCK,
    Likeness.SAME_INDEX: Verdict.BLOCK,
    Likeness.OTHER_INDEX: Verdict.ALLOW,
    Likeness.SAME_COMPANY: Verdict.REVIEW,
    Likeness.OTHER_COMPANY: Verdict.ALLOW,
    Likeness.UNKNOWN: Verdict.REVIEW,
}
RATIONALES: Mapping[Likeness, str] = {
    Likeness.SAME_SECURITY: "It is the same security.",
    Likeness.SHARE_CLASS: "Both are share classes of one portfolio.",
    Likeness.SAME_INDEX: "Both track the same index.",
    Likeness.OTHER_INDEX: "They do not track the same index.",
    Likeness.SAME_COMPANY: "Both are shares of one company that differ in rights.",
    Likeness.OTHER_COMPANY: "They are shares of different issuers.",
    Likeness.UNKNOWN: "The table does not know what one of them is.",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a symbol is from a day on: a fund with a portfolio and an index, or a company's share.

    `portfolio` joins share classes of one fund; `index` is empty for a fund that tracks none; `company` joins the
    share classes of a company and is empty for funds. Without `since` it always was.
    """

    symbol: str
    portfolio: str = ""
    index: str = ""
    company: str = ""
    since: date = date.min


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a firm decided about two securities, by whom, when, and why.

    :raises ValueError: when it concerns one symbol, or nobody signs it, or it gives no reason
    """

    symbols: frozenset[str]
    verdict: Verdict
    ruled_on: date
    reviewer: str
    rationale: str

    def __post_init__(self) -> None:
        if len(self.symbols) != 2 or not self.reviewer or not self.rationale:
            raise ValueError("A ruling concerns two securities and needs a reviewer and a rationale.")


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on two securities on a day."""

    verdict: Verdict
    likeness: Likeness
    rationale: str


@dataclass(frozen=True, slots=True)
class EquivalenceTable:
    """Listings in any order; of several of one symbol the latest on or before a day counts. A firm's rulings go first.

    :param reviewed_on: the day the listings were last looked through
    """

    reviewed_on: date
    listings: tuple[Listing, ...]
    rulings: tuple[Ruling, ...] = ()

    def with_ruling(self, ruling: Ruling) -> EquivalenceTable:
        """The table with one more ruling; earlier rulings stay and count for earlier days."""
        return replace(self, rulings=(*self.rulings, ruling))

    def with_listing(self, listing: Listing) -> EquivalenceTable:
        return replace(self, listings=(*self.listings, listing))

    def listing(self, symbol: str, on: date) -> Listing | None:
        known = [row for row in self.listings if row.symbol == symbol and row.since <= on]
        return max(known, key=lambda row: row.since, default=None)

    def compare(self, one: str, other: str, on: date) -> Finding:
        """What is to be thought of two symbols on a day."""
        pair = frozenset((one, other))
        ruled = [ruling for ruling in self.rulings if ruling.symbols == pair and ruling.ruled_on <= on]
        if ruled:
            latest = max(ruled, key=lambda ruling: ruling.ruled_on)
            return Finding(latest.verdict, Likeness.FIRM_RULING, latest.rationale)
        likeness = self._likeness(one, other, on)
        return Finding(VERDICTS[likeness], likeness, RATIONALES[likeness])

    def groups(self, symbols: Iterable[str], on: date) -> dict[str, str]:
        """The group of each symbol on a day: whatever is blocked, directly or through others, shares one.

        A group is named for the first of its symbols in alphabetical order.
        """
        group = {symbol: symbol for symbol in set(symbols)}
        for one, other in self._akin(sorted(group), on):
            if self.compare(one, other, on).verdict is Verdict.BLOCK:
                first, second = sorted((group[one], group[other]))
                group = {symbol: first if name == second else name for symbol, name in group.items()}
        return group

    def _akin(self, symbols: Sequence[str], on: date) -> Iterator[tuple[str, str]]:
        """Pairs that share a portfolio or an index, or that the firm has ruled on: no others can be blocked."""
        sharing: dict[tuple[str, str], list[str]] = {}
        for symbol in symbols:
            row = self.listing(symbol, on)
            for kind in ("portfolio", "index") if row else ():
                sharing.setdefault((kind, getattr(row, kind)), []).append(symbol)
        for (_, name), sharers in sharing.items():
            yield from combinations(sharers, 2) if name else ()
        for ruling in self.rulings:
            one, other = sorted(ruling.symbols)
            if one in symbols and other in symbols:
                yield one, other

    def _likeness(self, one: str, other: str, on: date) -> Likeness:
        if one == other:
            return Likeness.SAME_SECURITY
        left, right = self.listing(one, on), self.listing(other, on)
        return _compared(left, right) if left and right else Likeness.UNKNOWN


def _compared(left: Listing, right: Listing) -> Likeness:
    if left.company and right.company:
        return Likeness.SAME_COMPANY if left.company == right.company else Likeness.OTHER_COMPANY
    if left.portfolio and left.portfolio == right.portfolio:
        return Likeness.SHARE_CLASS
    if left.index and left.index == right.index:
        return Likeness.SAME_INDEX
    return Likeness.OTHER_COMPANY if left.company or right.company else Likeness.OTHER_INDEX


def share_classes(portfolio: str, index: str, symbols: Sequence[str], since: date = date.min) -> list[Listing]:
    """The listings of all share classes of one fund."""
    return [Listing(symbol, portfolio=portfolio, index=index, since=since) for symbol in symbols]
