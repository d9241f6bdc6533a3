"""Which lots of a sale to take where gains are netted over the year: shares exchanged between terms, edge by edge.

At any pair of rates a search takes one term's lots before the other's. Where the least tax lies on an edge between two
regions of Schedule D, the best is often a mixture: short gains up to the loss that they net against, long ones beyond.
With what is sold of every security kept as it is, shares of one lot are exchanged for shares of another of the same
position as long as that lowers the tax of the year. Cash, drift and charges stay as they are, and so does the wash-sale
window: losses are exchanged for losses, gains for gains, and beside a loss all that was bought recently still goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from rebalancer.engine.book_tables import MICRO, Bools, Floats, Ints
from rebalancer.engine.money import portion
from rebalancer.engine.optimiser.coupled.searches import Search
from rebalancer.engine.optimiser.coupled.year_taxes import YearTaxes
from rebalancer.engine.optimiser.setup import SOFT, STRICT

LEAST_SAVING = 0.005
"""Dollars of tax below which an exchange is none."""
ROUNDS = 12
"""Exchanges a household, at most."""


class Pairs(NamedTuple):
    """Lots of one position and of different terms: what is sold of the first may be sold of the second instead."""

    row: Ints
    sold: Ints
    instead: Ints


def mix_lots(search: Search, year: YearTaxes, households: Ints) -> Floats:
    """Exchange shares in the search's outcome; dollars of the year's tax that are saved, by household.

    :param year: of these households
    :param households: ascending
    """
    saved = np.zeros(len(households))
    accounts, owner = search.members(households)
    ends = np.searchsorted(owner, np.arange(len(households) + 1))
    short, long = (so_far + gain for so_far, gain in zip(_so_far(year), search.gains(households), strict=True))
    for place in range(len(households)):
        pairs = _pairs(search, accounts[ends[place] : ends[place + 1]])
        if len(pairs.row):
            one = year.some(np.array([place]))
            saved[place] = _exchange_all(search, one, pairs, (float(short[place]), float(long[place])))
    return saved


def _so_far(year: YearTaxes) -> tuple[Floats, Floats]:
    return year.short_so_far, year.long_so_far


def _pairs(search: Search, accounts: Ints) -> Pairs:
    """All pairs of a household, whether anything of the first is sold or not."""
    problem, table = search.problem, search.problem.accounts
    free = accounts[table["taxable"][accounts] & (table["short_rule"][accounts] != SOFT)]
    found: list[tuple[int, int, int]] = []
    for row in search.rows_of(free).tolist():
        if search.outcome.steps[row] < 0:
            at = int(problem.rows["position"][row])
            lots = np.arange(problem.lot_offsets[at], problem.lot_offsets[at + 1])
            found += _pairs_of(search, row, lots)
    return Pairs(*np.array(found, dtype=np.int64).reshape(-1, 3).T)


def _pairs_of(search: Search, row: int, lots: Ints) -> Iterator[tuple[int, int, int]]:
    facts, table = search.problem.lots[lots], search.problem.lots
    if not facts["by_tax"].all():
        return
    loses = bool((facts["loss"] & (search.outcome.taken[lots] > 0)).any())
    sold = lots[~facts["recent"]] if loses else lots
    instead = lots[~_waits(search, row, facts) & (~facts["loss"] | loses)]
    for one, other in product(sold.tolist(), instead.tolist()):
        if table["long"][one] != table["long"][other] and table["loss"][one] == table["loss"][other]:
            yield row, one, other


def _waits(search: Search, row: int, facts: np.ndarray) -> Bools:
    """As `setup.waits`: short-term gains that are about to turn long-term and may not be taken before."""
    account = search.problem.accounts[search.problem.rows["account"][row]]
    strict = account["short_rule"] == STRICT and account["missing"] == 0
    near: Bools = ~facts["long"] & (facts["gain"] > 0.0) & (facts["days_to_long"] <= account["short_days"])
    return near & strict


def _exchange_all(search: Search, year: YearTaxes, pairs: Pairs, net: tuple[float, float]) -> float:
    """Exchange what saves most, until nothing does; dollars saved.

    :param net: short and long gains of the year, dollars
    """
    saved = 0.0
    for _ in range(ROUNDS):
        place, micros, saving, after = _best(search, year, pairs, net)
        if saving < LEAST_SAVING:
            break
        _exchange(search, int(pairs.row[place]), int(pairs.sold[place]), -micros)
        _exchange(search, int(pairs.row[place]), int(pairs.instead[place]), micros)
        saved, net = saved + saving, after
    return saved


def _best(
    search: Search, year: YearTaxes, pairs: Pairs, net: tuple[float, float]
) -> tuple[int, int, float, tuple[float, float]]:
    """(pair, micro-shares, dollars saved, net gains then) of the exchange that saves most."""
    lots, taken = search.problem.lots, search.outcome.taken
    step = search.problem.rows["step"][pairs.row]
    most = np.minimum(taken[pairs.sold], lots["quantity"][pairs.instead] - taken[pairs.instead]) // step
    given, got = lots["gain"][pairs.sold] * step / MICRO, lots["gain"][pairs.instead] * step / MICRO
    sold_long = lots["long"][pairs.sold]
    slopes = np.where(sold_long, got, -given), np.where(sold_long, -given, got)
    steps = _steps_to_edges(net, slopes, most, float(year.loss_limit[0]))
    short, long = (one + slope[:, None] * steps for one, slope in zip(net, slopes, strict=True))
    tax = year.of(short, long)
    place, column = np.unravel_index(int(np.argmin(tax)), tax.shape)
    saving = float((year.of(*(np.array([one]) for one in net)) - tax[place, column])[0])
    micros = int(steps[place, column]) * int(step[place])
    return int(place), micros, saving, (float(short[place, column]), float(long[place, column]))


def _steps_to_edges(net: tuple[float, float], slopes: tuple[Floats, Floats], most: Ints, limit: float) -> Floats:
    """By pair, numbers of steps at which an edge between regions may be reached, and all there are."""
    (short, long), (over_short, over_long) = net, slopes
    both = over_short + over_long
    levels: Sequence[tuple[float, Floats]] = (
        (-short, over_short),
        (-long, over_long),
        (-short - long, both),
        (-limit - short - long, both),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = np.floor(np.nan_to_num(np.stack([to / slope for to, slope in levels], axis=1)))
    tried = np.concatenate([reached, reached + 1, most[:, None].astype(np.float64)], axis=1)
    steps: Floats = np.clip(tried, 0.0, most[:, None])
    return steps


def _exchange(search: Search, row: int, lot: int, micros: int) -> None:
    """Take so many micro-shares more of a lot (fewer where negative); the account's gains follow, exactly."""
    problem, outcome = search.problem, search.outcome
    account = int(problem.rows["account"][row])
    before = _gain(problem.lots[lot], int(problem.rows["price"][row]), int(outcome.taken[lot]))
    outcome.taken[lot] += micros
    after = _gain(problem.lots[lot], int(problem.rows["price"][row]), int(outcome.taken[lot]))
    (outcome.long if problem.lots["long"][lot] else outcome.short)[account] += after - before


def _gain(lot: np.void, price: int, micros: int) -> int:
    """Micro-dollars, as `exact.gains`."""
    return micros * price // MICRO - portion(int(lot["basis"]), micros, int(lot["quantity"])) if micros else 0
