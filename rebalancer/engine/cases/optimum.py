"""Topics about the best trades of one account under variance and costs: whole shares, lots, minima, budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from rebalancer.engine.book import Book, RiskModel
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.reading import BadCase, Inputs, as_decimal, as_mapping
from rebalancer.engine.money import micro
from rebalancer.engine.optimiser.kernel import Outcome
from rebalancer.engine.optimiser.plain import Limits, plain_optimum
from rebalancer.engine.optimiser.problem import Problem
from rebalancer.engine.optimiser.work import ANY
from rebalancer.engine.policy import Policy, Preset

TODAY, LONG_AGO, LATELY = date(2026, 11, 2), date(2021, 3, 3), date(2026, 6, 1)
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Asset:
    """A security of a case with what the account holds of it."""

    symbol: str
    price: Decimal
    shares: Decimal
    target: Decimal
    half_spread: Decimal
    position: PositionRow
    security: SecurityRow
    lowest: int
    highest: int


def account_optimum(inputs: Inputs) -> Answer:
    """Trades, lots, costs and the objective of the best answer, of doing nothing, and of the second best."""
    assets = _assets(inputs)
    book = _book(inputs, assets)
    problem, outcome = _within_budget(inputs, book, assets)
    steps = [int(one) for one in outcome.steps]
    return {
        "objective": _objective(inputs, assets, outcome),
        "trades": {asset.symbol: step for asset, step in zip(assets, steps, strict=True)},
        "trading_cost": _trading_cost(inputs, assets, steps),
        "tax": _tax(inputs, outcome),
        "realized_gain": sum(_gains(outcome), Fraction(0)),
        "cash_after": _cash_after(inputs, assets, steps),
        "lots_sold": _lots_sold(assets, book, problem, outcome),
        "weights_after": [
            Fraction((asset.shares + step) * asset.price) / _value(inputs, assets)
            for asset, step in zip(assets, steps, strict=True)
        ],
        "no_trade_objective": _variance_cost(inputs, assets, [0] * len(assets)),
        "second_best": _second_best(inputs, assets, book, steps),
    }


def _assets(inputs: Inputs) -> list[Asset]:
    """The securities; where a case says "… as X, zero shares" they are those of X, with nothing held."""
    held = inputs.get("assets")
    nothing = False
    if isinstance(held, dict) and "said" in held:
        nothing = "zero shares" in str(held["said"])
        held = held["of"]
    if not isinstance(held, list):
        raise BadCase("The input 'assets' should be a list.")
    return [_asset(Inputs(as_mapping(row, "assets")), nothing) for row in held]


def _asset(row: Inputs, nothing: bool) -> Asset:
    symbol, price = row.text("id"), row.decimal("price")
    shares = Decimal(0) if nothing else row.decimal("shares")
    half = micro(price * row.decimal("half_spread_bps", default=Decimal(0)) / BPS)
    lots = tuple(_lot(lot) for lot in row.rows("lots")) if "lots" in row and not nothing else ()
    if not lots and shares:
        lots = (LotRow("x", LONG_AGO, shares, shares * price),)
    cap = int(row.decimal("adv_cap")) if "adv_cap" in row else None
    return Asset(
        symbol=symbol,
        price=price,
        shares=shares,
        target=row.decimal("target"),
        half_spread=half,
        position=PositionRow(
            symbol=symbol,
            quantity=shares,
            lots=lots,
            no_sell=row.flag("no_sell", default=False),
            no_buy=row.flag("no_buy", default=False),
        ),
        security=SecurityRow(symbol=symbol, price=price, bid=price - half, ask=price + half, adv_shares=cap),
        lowest=int(row.decimal("lo")) if "lo" in row else -ANY,
        highest=int(row.decimal("hi")) if "hi" in row else ANY,
    )


def _lot(lot: Inputs) -> LotRow:
    term = lot.text("term", default="LT")
    quantity = lot.decimal("qty")
    return LotRow(lot.text("id"), LATELY if term == "ST" else LONG_AGO, quantity, quantity * lot.decimal("cost"))


def _other(inputs: Inputs, name: str) -> Inputs:
    """The inputs that have a field: this case's own, or those of the case its assets are taken from."""
    if name in inputs or "assets" not in inputs:
        return inputs
    held = inputs.get("assets")
    if isinstance(held, dict) and isinstance(held.get("beside"), dict):
        return Inputs(as_mapping(held["beside"], "assets"))
    return inputs


def _number(inputs: Inputs, name: str, default: Decimal) -> Decimal:
    return _other(inputs, name).decimal(name, default=default)


def _rates(inputs: Inputs) -> tuple[Decimal, Decimal]:
    if "rates" not in inputs:
        return Decimal(0), Decimal(0)
    rates = inputs.amounts("rates")
    return rates.get("ST", Decimal(0)), rates.get("LT", Decimal(0))


def _book(inputs: Inputs, assets: list[Asset]) -> Book:
    short, long = _rates(inputs)
    policy = Policy(
        trigger=Preset.THRESHOLD,
        minimum_trade_amount=_number(inputs, "min_trade", Decimal(0)),
        risk_aversion=_number(inputs, "lambda", Decimal(1)),
        horizon_years=_number(inputs, "H", Decimal(1)),
        commission=_number(inputs, "ticket", Decimal(0)),
        adv_cap=Decimal(1),
        short_rate=short,
        long_rate=long,
    )
    account = AccountRow(
        account_id="A",
        positions=tuple(asset.position for asset in assets),
        cash=inputs.decimal("cash"),
        cash_reserve=_number(inputs, "reserve", Decimal(0)),
        reserve_threshold=Decimal(0),
        withdrawals_due=_number(inputs, "withdraw", Decimal(0)),
        model_id="M",
        policy=policy,
    )
    weights = {asset.symbol: asset.target for asset in assets}
    whole = from_rows(
        as_of=TODAY,
        securities=[asset.security for asset in assets],
        models=[ModelRow(model_id="M", weights=weights, cash_weight=1 - sum(weights.values(), Decimal(0)))],
        accounts=[account],
    )
    return with_risk(whole, covariance_of(inputs))


def with_risk(book: Book, covariance: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Book:
    values, vectors = np.linalg.eigh(covariance)
    loadings = vectors * np.sqrt(np.maximum(values, 0.0))
    return replace(book, risk=RiskModel(loadings=loadings, specific=np.zeros(len(values))))


def covariance_of(inputs: Inputs) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[float(one) for one in row] for row in matrix_of(inputs)])


def matrix_of(inputs: Inputs) -> list[list[Fraction]]:
    rows = _other(inputs, "cov").items("cov")
    matrix = [[Fraction(as_decimal(one, "cov")) for one in row] for row in rows if isinstance(row, list)]
    if any(len(row) != len(matrix) for row in matrix) or len(matrix) != len(rows):
        raise BadCase("The input 'cov' should be a square matrix.")
    return matrix


def _value(inputs: Inputs, assets: list[Asset]) -> Fraction:
    held = sum((asset.shares * asset.price for asset in assets), Decimal(0))
    return Fraction(inputs.decimal("cash") - _number(inputs, "withdraw", Decimal(0)) + held)


def _variance_cost(inputs: Inputs, assets: list[Asset], steps: list[int]) -> Fraction:
    """Half of aversion times horizon times value times the variance of the deviations."""
    value = _value(inputs, assets)
    off = [
        Fraction((asset.shares + step) * asset.price) / value - Fraction(asset.target)
        for asset, step in zip(assets, steps, strict=True)
    ]
    matrix = matrix_of(inputs)
    variance = sum(
        (off[one] * matrix[one][two] * off[two] for one in range(len(off)) for two in range(len(off))), Fraction(0)
    )
    scale = Fraction(_number(inputs, "lambda", Decimal(1))) * Fraction(_number(inputs, "H", Decimal(1)))
    return scale * value * variance / 2


def _trading_cost(inputs: Inputs, assets: list[Asset], steps: list[int]) -> Fraction:
    ticket = Fraction(_number(inputs, "ticket", Decimal(0)))
    return sum(
        (
            abs(step) * Fraction(asset.half_spread) + (ticket if step else 0)
            for asset, step in zip(assets, steps, strict=True)
        ),
        Fraction(0),
    )


def _gains(outcome: Outcome) -> tuple[Fraction, Fraction]:
    return Fraction(int(outcome.short[0]), 10**6), Fraction(int(outcome.long[0]), 10**6)


def _tax(inputs: Inputs, outcome: Outcome) -> Fraction:
    gains, rates = _gains(outcome), _rates(inputs)
    return gains[0] * Fraction(rates[0]) + gains[1] * Fraction(rates[1])


def _cash_after(inputs: Inputs, assets: list[Asset], steps: list[int]) -> Fraction:
    spent = sum((step * Fraction(asset.price) for asset, step in zip(assets, steps, strict=True)), Fraction(0))
    start = Fraction(inputs.decimal("cash") - _number(inputs, "withdraw", Decimal(0)))
    return start - spent - _trading_cost(inputs, assets, steps)


def _objective(inputs: Inputs, assets: list[Asset], outcome: Outcome) -> Fraction:
    steps = [int(one) for one in outcome.steps]
    cost = _variance_cost(inputs, assets, steps) + _trading_cost(inputs, assets, steps)
    return cost + _tax(inputs, outcome)


def _lots_sold(assets: list[Asset], book: Book, problem: Problem, outcome: Outcome) -> dict[str, list[list[object]]]:
    """Lots by symbol in the order in which the least tax takes them."""
    sold: dict[str, list[list[object]]] = {}
    for row, asset in enumerate(assets):
        position = int(problem.rows["position"][row])
        lots = (
            range(int(problem.lot_offsets[position]), int(problem.lot_offsets[position + 1])) if position >= 0 else ()
        )
        taken = [(lot, int(outcome.taken[lot]) // 10**6) for lot in lots if outcome.taken[lot]]
        if taken:
            order = sorted(taken, key=lambda one: _tax_a_share(problem, one[0]))
            sold[asset.symbol] = [[book.lots.lot_id[lot], shares] for lot, shares in order]
    return sold


def _tax_a_share(problem: Problem, lot: int) -> float:
    one = problem.lots[lot]
    return float(one["gain"] * problem.accounts[0]["long_rate" if one["long"] else "short_rate"])


def _limits(assets: list[Asset]) -> dict[int, tuple[int, int]]:
    return {row: (asset.lowest, asset.highest) for row, asset in enumerate(assets)}


def _within_budget(inputs: Inputs, book: Book, assets: list[Asset]) -> tuple[Problem, Outcome]:
    """The best answer; where a budget limits realised gains, the best of those that keep it.

    The relaxation without the budget bounds every part of the answers from below, so that dividing where it is broken
    ends with the best answer that keeps it.
    """
    limits = _limits(assets)
    problem, outcome = plain_optimum(book, limits)
    if "gain_budget" not in inputs:
        return problem, outcome
    budget = Fraction(inputs.decimal("gain_budget"))
    best: tuple[Problem, Outcome] | None = None
    least: float = float("inf")
    open_parts = [(float(outcome.objective[0]), problem, outcome, limits)]
    while open_parts:
        open_parts.sort(key=lambda part: -part[0])
        bound, problem, outcome, limits = open_parts.pop()
        if bound >= least:
            break
        if sum(_gains(outcome), Fraction(0)) <= budget:
            best, least = (problem, outcome), bound
            continue
        open_parts += list(_parts(book, outcome, limits))
    if best is None:
        raise BadCase("No trades keep the budget.")
    return best


def _parts(
    book: Book, outcome: Outcome, limits: Limits
) -> list[tuple[float, Problem, Outcome, dict[int, tuple[int, int]]]]:
    """The answers other than this one, in disjoint parts, each with its best."""
    found = []
    fixed = dict(limits)
    for row, step in enumerate(int(one) for one in outcome.steps):
        low, high = fixed.get(row, (-ANY, ANY))
        for part in ((low, step - 1), (step + 1, high)):
            if part[0] <= part[1]:
                tried = {**fixed, row: part}
                problem, other = plain_optimum(book, tried)
                if np.isfinite(other.objective[0]):
                    found.append((float(other.objective[0]), problem, other, tried))
        fixed[row] = (step, step)
    return found


def _second_best(inputs: Inputs, assets: list[Asset], book: Book, steps: list[int]) -> Fraction:
    """The objective of the best answer that is not the best."""
    if "gain_budget" in inputs:
        return _second_within_budget(inputs, assets, book, steps)
    _, outcome = plain_optimum(book, _limits(assets))
    parts = _parts(book, outcome, _limits(assets))
    _, _, other, _ = min(parts, key=lambda part: part[0])
    return _objective(inputs, assets, other)


def _second_within_budget(inputs: Inputs, assets: list[Asset], book: Book, steps: list[int]) -> Fraction:
    budget = Fraction(inputs.decimal("gain_budget"))
    _, outcome = plain_optimum(book, _limits(assets))
    open_parts = [(float(outcome.objective[0]), *plain_optimum(book, _limits(assets)), _limits(assets))]
    while open_parts:
        open_parts.sort(key=lambda part: -part[0])
        _, _, outcome, limits = open_parts.pop()
        other = [int(one) for one in outcome.steps] != steps
        if other and sum(_gains(outcome), Fraction(0)) <= budget:
            return _objective(inputs, assets, outcome)
        open_parts += list(_parts(book, outcome, limits))
    raise BadCase("There is no second answer.")


TOPICS = {"three_asset_integer": account_optimum, "new_account_all_cash": account_optimum}
