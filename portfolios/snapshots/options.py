"""Hold ranges of accounts and alternates of models, as the engine's arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np

from portfolios.models import HoldRange
from portfolios.selectors.targets import Ranked
from portfolios.snapshots.columns import Ints
from rebalancer.engine.alternates import Alternates
from rebalancer.engine.hold_ranges import NO_END, HoldRanges, RangeUnit
from rebalancer.engine.money import to_micros

Named = Mapping[int, tuple[Ranked, ...]]
RangeLine = tuple[int, int, int, int, int]
"""Account's place, security's place, unit, lowest, highest."""


def range_columns(firm_id: int, account_ids: Ints, security_ids: Ints) -> HoldRanges | None:
    """The ranges of these accounts; None where there is none.

    :param account_ids: ids of the book's accounts, in its order
    :param security_ids: ids of its securities, sorted
    """
    lines = sorted(_range_lines(firm_id, account_ids.tolist(), _places(security_ids)))
    if not lines:
        return None
    account, security, unit, lowest, highest = np.array(lines, dtype=np.int64).T.copy()
    return HoldRanges(account=account, security=security, unit=unit, lowest=lowest, highest=highest)


def _range_lines(firm_id: int, account_ids: Sequence[int], securities: Mapping[int, int]) -> Iterator[RangeLine]:
    if not account_ids:
        return
    accounts = {account: place for place, account in enumerate(account_ids)}
    rows = HoldRange.objects.for_firm(firm_id).filter(account_id__gte=min(accounts), account_id__lte=max(accounts))
    for account, security, unit, lowest, highest in rows.order_by("id").values_list(
        "account_id", "security_id", "unit", "lowest", "highest"
    ):
        if account in accounts:
            yield accounts[account], securities[security], RangeUnit[unit], _end(lowest), _end(highest)


def _end(amount: Decimal | None) -> int:
    return NO_END if amount is None else to_micros(amount)


def alternate_columns(models: Sequence[Named], security_ids: Ints) -> Alternates | None:
    """The alternates of the book's models, in its order; None where there is none.

    :param security_ids: ids of the book's securities, sorted
    """
    place = _places(security_ids)
    lines = sorted(
        (model, place[security], rank, place[alternate])
        for model, named in enumerate(models)
        for security, ranked in named.items()
        for rank, alternate in ranked
    )
    if not lines:
        return None
    model, security, rank, alternate = np.array(lines, dtype=np.int64).T.copy()
    return Alternates(model=model, security=security, alternate=alternate, rank=rank)


def named_alternates(named: Named) -> set[int]:
    """Ids of all securities that stand for another."""
    return {alternate for ranked in named.values() for _, alternate in ranked}


def _places(ids: Ints) -> dict[int, int]:
    return {one: place for place, one in enumerate(ids.tolist())}
