"""Which losses are disallowed, and which shares take them (IRC 1091, Reg. 1.1091-1 and -2).

Losses are looked at in order of disposition, those of one moment in order of original acquisition; replacements in
order of acquisition, shares bought before the sale and still held among them. One replacement share disallows one
share's loss. Short sales are not looked at.

A purchase is looked at once for every day of sales within 30 days of it, so the work grows with the number of purchases
and sales, not with their product.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

from rebalancer.engine.book_tables import WASH_WINDOW_DAYS
from rebalancer.engine.lots import Term, term
from rebalancer.engine.money import from_micros, portion
from rebalancer.engine.wash_sales.holdings import Holding, Leg, Part, legs_of
from rebalancer.engine.wash_sales.records import (
    NOT_ACQUIRED,
    PLANS,
    RELATED,
    UNRULED_PLANS,
    AccountKind,
    Disposal,
    Origin,
    Purchase,
    Replacement,
    Sale,
    Washed,
    WashPolicy,
)

WINDOW = timedelta(days=WASH_WINDOW_DAYS)

Scope = Callable[[Purchase], Hashable | None]
"""Purchases of one scope can wash each other's losses; None: no loss of these is ever looked at."""


@dataclass(slots=True)
class Day:
    """The lots whose shares may replace what is sold on one day, in order of acquisition.

    `cursors` are where to go on looking for each block, since shares that are used up stay so.
    """

    candidates: list[Holding]
    cursors: dict[str, int] = field(default_factory=dict)
    used_up: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule under a firm's policy, for the accounts of one family."""

    kinds: Mapping[str, AccountKind]
    policy: WashPolicy

    def kind(self, holding: Holding) -> AccountKind:
        return self.kinds[holding.purchase.account_id]

    def may_replace(self, holding: Holding) -> bool:
        unruled = self.kind(holding) in UNRULED_PLANS and not self.policy.unruled_plans_wash
        return holding.fresh.quantity > 0 and holding.purchase.origin not in NOT_ACQUIRED and not unruled

    def loses(self, holding: Holding) -> bool:
        """Is the loss gone for good, since no basis takes it?"""
        kind = self.kind(holding)
        return kind in PLANS or (kind in RELATED and not self.policy.related_basis_moves)


def wash(
    purchases: Sequence[Purchase],
    sales: Sequence[Sale],
    *,
    kinds: Mapping[str, AccountKind],
    scope: Scope,
    policy: WashPolicy,
) -> Washed:
    """Every sale with what is disallowed of its loss, and the lots that are left.

    :param kinds: the kind of every account by its id
    :raises NotEnoughShares: when a lot is sold that does not hold as much
    :raises ValueError: when a lot repeats, is unknown or is sold before it was bought
    """
    holdings = {p.lot_id: Holding.of(p) for p in sorted(purchases, key=lambda p: (p.bought_on, p.sequence))}
    if len(holdings) != len(purchases):
        raise ValueError("Two purchases have the same lot id.")
    order = {lot_id: place for place, lot_id in enumerate(holdings)}
    legs = sorted(
        (leg for sale in sales for leg in legs_of(sale, holdings)),
        key=lambda leg: (leg.moment, order[leg.holding.purchase.lot_id]),
    )
    rule = Rule(kinds, policy)
    done: dict[int, list[Disposal]] = {}
    scopes = {lot_id: scope(holding.purchase) for lot_id, holding in holdings.items()}
    for key, within in _by_scope(legs, scopes).items():
        pool = [] if key is None else [h for lot_id, h in holdings.items() if scopes[lot_id] == key]
        done |= dict(_settle(within, pool, rule))
    disposals = [disposal for place in range(len(legs)) for disposal in done[place]]
    return Washed(tuple(disposals), tuple(lot for holding in holdings.values() for lot in holding.open_lots()))


def _by_scope(legs: Sequence[Leg], scopes: Mapping[str, Hashable]) -> dict[Hashable, list[tuple[int, Leg]]]:
    """Legs with their place among all, in order."""
    found: dict[Hashable, list[tuple[int, Leg]]] = {}
    for place, leg in enumerate(legs):
        found.setdefault(scopes[leg.holding.purchase.lot_id], []).append((place, leg))
    return found


def _settle(
    legs: Sequence[tuple[int, Leg]], pool: Sequence[Holding], rule: Rule
) -> Iterator[tuple[int, list[Disposal]]]:
    """Sell leg after leg; `pool` is in order of acquisition."""
    bought = [holding.purchase.bought_on for holding in pool]
    for sold_on, today in groupby(legs, key=lambda entry: entry[1].sale.sold_on):
        first, last = bisect_left(bought, sold_on - WINDOW), bisect_right(bought, sold_on + WINDOW)
        window = pool[first:last]
        for opening, (place, leg, parts) in enumerate(_leaving(list(today), rule.policy)):
            if opening == 0:
                day = Day([holding for holding in window if rule.may_replace(holding)])
            yield place, list(_sell(leg, parts, day, rule))


def _leaving(today: Sequence[tuple[int, Leg]], policy: WashPolicy) -> Iterator[tuple[int, Leg, list[Part]]]:
    """The legs of a day in order, each with the shares that leave.

    Shares that are sold on the day of a loss were not kept in place of those sold before them. They leave before the
    first loss is looked at, unless they were bought after it or the policy is that they may replace it.
    """
    waiting = deque(sorted(today, key=lambda entry: (entry[1].holding.moment, entry[0])))
    gone: dict[int, list[Part]] = {}
    for place, leg in today:
        while waiting and waiting[0][1].holding.moment <= leg.moment and not policy.same_day_sales_wash:
            other_place, other = waiting.popleft()
            gone[other_place] = list(other.holding.sell(other.quantity))
        yield place, leg, gone.pop(place) if place in gone else list(leg.holding.sell(leg.quantity))


def _sell(leg: Leg, parts: Sequence[Part], day: Day, rule: Rule) -> Iterator[Disposal]:
    sold = given = 0
    for part in parts:
        sold += part.quantity
        upto = portion(leg.proceeds, sold, leg.quantity)
        yield _disposal(leg, part, upto - given, tuple(_replaced(leg, part, part.basis - (upto - given), day, rule)))
        given = upto


def _replaced(leg: Leg, part: Part, loss: int, day: Day, rule: Rule) -> Iterator[Replacement]:
    """The shares that replace those of a part, until none is left unmatched; none where there is no loss."""
    if loss <= 0 or rule.kind(leg.holding) in PLANS:
        return
    matched = moved = 0
    for holding, quantity in _matches(leg, part.quantity, day, rule.policy):
        matched += quantity
        share = portion(loss, matched, part.quantity) - moved
        moved += share
        lost = rule.loses(holding)
        if lost:
            holding.spend(quantity)
        else:
            holding.absorb(quantity, share, part, leg.sale.sold_on, leg.holding.purchase.lot_id)
        yield Replacement(holding.purchase.lot_id, from_micros(quantity), from_micros(share), lost)


def _matches(leg: Leg, quantity: int, day: Day, policy: WashPolicy) -> Iterator[tuple[Holding, int]]:
    """Lots in order of acquisition with how many of their shares replace some of `quantity`."""
    purchase = leg.holding.purchase
    at = _start(leg, day, policy)
    while quantity and at < len(day.candidates):
        holding = day.candidates[at]
        free = 0 if holding.purchase.block == purchase.block else min(quantity, holding.fresh.quantity)
        if free:
            quantity -= free
            yield holding, free
        if quantity:
            at += 1


def _start(leg: Leg, day: Day, policy: WashPolicy) -> int:
    """Where the first candidate of a leg may stand: past what is used up, and past the lots of its own block."""
    purchase, candidates = leg.holding.purchase, day.candidates
    while day.used_up < len(candidates) and not candidates[day.used_up].fresh.quantity:
        day.used_up += 1
    at = max(day.used_up, day.cursors.get(purchase.block, 0))
    while at < len(candidates) and _never(candidates[at], purchase):
        at += 1
    day.cursors[purchase.block] = at
    if not policy.earlier_shares_wash:
        at = max(at, _first_not_earlier(candidates, purchase))
    return at


def _never(candidate: Holding, sold: Purchase) -> bool:
    return not candidate.fresh.quantity or candidate.purchase.block == sold.block


def _first_not_earlier(candidates: Sequence[Holding], sold: Purchase) -> int:
    """The first candidate that was not bought on a day before the lot that is sold."""
    return bisect_left(candidates, sold.bought_on, key=lambda holding: holding.purchase.bought_on)


def _disposal(leg: Leg, part: Part, proceeds: int, replacements: tuple[Replacement, ...]) -> Disposal:
    purchase, sold_on = leg.holding.purchase, leg.sale.sold_on
    inherited = purchase.origin is Origin.INHERITANCE
    return Disposal(
        sale_id=leg.sale.sale_id,
        lot_id=purchase.lot_id,
        sold_on=sold_on,
        acquired_on=part.acquired_on,
        quantity=from_micros(part.quantity),
        proceeds=from_micros(proceeds),
        cost_basis=from_micros(part.basis),
        term=Term.LONG if inherited else term(part.acquired_on, sold_on),
        replacements=replacements,
        replaces=part.replaces,
    )
