"""How far each security should go: to its target, or only as far as the bands ask."""

from __future__ import annotations

from rebalancer.engine.drift import Drift, Level
from rebalancer.engine.optimiser.facts import Facts, Holding
from rebalancer.engine.policy import RebalanceTo

INNER_SHARE = 0.5


def set_goals(facts: Facts, drift: Drift) -> None:
    """Set every holding's `goal` by the policy's `rebalance_to`.

    To the EDGE, a class outside its band moves to the nearest edge, its securities in proportion to their deviations;
    a security outside a band of its own moves at least to that. INNER stops half-way between edge and target. What one
    side moves more than the other, the other side makes up in proportion, so that sales pay for buys. Cash has no
    edge: what is above its target is invested, what is missing is raised.
    """
    if facts.policy.rebalance_to is RebalanceTo.TARGET:
        return
    share = 1.0 if facts.policy.rebalance_to is RebalanceTo.EDGE else INNER_SHARE
    over = [holding for holding in facts.holdings if holding.value > holding.target]
    under = [holding for holding in facts.holdings if holding.value < holding.target]
    down, up = _required(facts, drift, over, share, 1), _required(facts, drift, under, share, -1)
    spare = facts.free - facts.cash_target
    _make_up(over, down, sum(up) - spare)
    _make_up(under, up, sum(down) + spare)
    for holding, moved in zip([*over, *under], [*(-amount for amount in down), *up], strict=True):
        holding.goal = holding.value + round(moved)


def _required(facts: Facts, drift: Drift, side: list[Holding], share: float, sign: int) -> list[float]:
    """Micro-dollars by which the bands ask each holding of one side to move; `sign` is 1 for overweights."""
    gaps: dict[int, float] = {}
    for holding in side:
        gaps[holding.asset_class] = gaps.get(holding.asset_class, 0.0) + abs(holding.value - holding.target)
    asked = {
        asset_class: _beyond(drift.classes, (facts.index, asset_class), share, sign) * facts.value / gap
        for asset_class, gap in gaps.items()
    }
    moved = []
    for holding in side:
        gap = abs(holding.value - holding.target)
        own = _beyond(drift.securities, holding.row, share, sign) * facts.value
        moved.append(min(max(asked[holding.asset_class] * gap, own), gap))
    return moved


def _beyond(level: Level, place: tuple[int, int] | int, share: float, sign: int) -> float:
    """Weight by which an item outside its band is to move; zero inside it."""
    edge = float(level.high[place] if sign > 0 else level.low[place])
    weight, target = float(level.weight[place]), float(level.target[place])
    if sign * (weight - edge) <= 0:
        return 0.0
    return sign * (weight - target - share * (edge - target))


def _make_up(side: list[Holding], moved: list[float], wanted: float) -> None:
    """Raise what one side moves to what the other side needs, in proportion to what is left to its targets."""
    missing = wanted - sum(moved)
    left = [abs(holding.value - holding.target) - amount for holding, amount in zip(side, moved, strict=True)]
    if missing <= 0 or sum(left) <= 0:
        return
    share = min(1.0, missing / sum(left))
    for place, rest in enumerate(left):
        moved[place] += share * rest
