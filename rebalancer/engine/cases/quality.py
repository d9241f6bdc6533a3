"""How good the quick search is: random accounts under variance, lots and minima, against proven optima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from rebalancer.engine.book import Book, RiskModel
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.cases.comparing import Answer, Bar, NotClaimed
from rebalancer.engine.cases.reading import BadCase, Inputs, as_decimal
from rebalancer.engine.optimiser import Distance, solve
from rebalancer.engine.policy import Policy, Preset

TODAY = date(2026, 11, 2)
SAME_BPS = 0.01
MINIMA = ("0", "0.002", "0.01")


def solver_quality(inputs: Inputs) -> Answer:
    """Share of accounts decided as well as can be, and the gaps of the others, in basis points of account value."""
    seeds = [int(as_decimal(seed, "seeds")) for seed in inputs.items("seeds")]
    if not seeds:
        raise BadCase("The input 'seeds' should name at least one.")
    count = int(inputs.decimal("instances"))
    books = [
        random_account(np.random.default_rng(seed + 1000 * number)) for number in range(count) for seed in seeds[:1]
    ]
    gaps, certified = _gaps(books)
    return {
        "share_exact": Bar(_decimal(float(np.mean(gaps <= SAME_BPS))), no_less=True),
        "gap_bp_of_value_median": Bar(_decimal(float(np.median(gaps)))),
        "gap_bp_p90_max": NotClaimed.HERE,
        "gap_bp_max": Bar(_decimal(float(gaps.max()))),
        "sign_branch_lower_bound_gap_bp": {
            "median": Bar(_decimal(float(np.median(certified)))),
            "p90": Bar(_decimal(float(np.quantile(certified, 0.9)))),
            "max": Bar(_decimal(float(certified.max()))),
            "instances": Bar(Decimal(count), no_less=True),
        },
        "naive_relaxation_gap_bp": NotClaimed.HERE,
        "scip_seconds": NotClaimed.HERE,
    }


def _gaps(books: Sequence[Book]) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], ...]:
    """Of the quick answer above the proven one, and of the proven one above its own bound."""
    gaps, certified = [], []
    for book in books:
        quick = solve(book, distance=Distance.RISK)
        exact = solve(book, distance=Distance.RISK, exact=True)
        value = float(quick.drift.value[0]) / 1e6
        gaps.append(max(float(quick.objective[0] - exact.objective[0]), 0.0) / value * 1e4)
        certified.append(float(exact.gap_bps[0]))
    return np.array(gaps), np.array(certified)


def _decimal(number: float) -> Decimal:
    return Decimal(f"{number:.6f}")


def random_account(random: np.random.Generator) -> Book:
    """An account of 3 to 6 securities with 1 to 4 lots each, $50,000 to $1,000,000."""
    count = int(random.integers(3, 7))
    value = float(np.exp(random.uniform(np.log(5e4), np.log(1e6))))
    prices = [Decimal(f"{price:.2f}") for price in random.uniform(20, 400, count)]
    wanted = random.dirichlet(np.full(count, 4.0)) * 0.98
    held = wanted * np.exp(random.normal(0, 0.3, count))
    weights = {f"S{place}": Decimal(f"{weight:.6f}") for place, weight in enumerate(wanted)}
    positions = tuple(_position(random, f"S{place}", prices[place], held[place] * value) for place in range(count))
    policy = Policy(
        trigger=Preset.THRESHOLD,
        minimum_trade_amount=Decimal(0),
        minimum_trade_weight=Decimal(str(random.choice(MINIMA))),
        harvest=bool(random.random() < 0.5),
    )
    book = from_rows(
        as_of=TODAY,
        securities=[
            SecurityRow(symbol=symbol, price=price, bid=price * Decimal("0.9998"), ask=price * Decimal("1.0002"))
            for symbol, price in zip(weights, prices, strict=True)
        ],
        models=[ModelRow(model_id="M", weights=weights, cash_weight=1 - sum(weights.values(), Decimal(0)))],
        accounts=[
            AccountRow(
                account_id="A",
                positions=positions,
                cash=Decimal(f"{0.03 * value:.2f}"),
                model_id="M",
                policy=policy,
            )
        ],
    )
    loadings = random.normal(0, 0.08, (count, 2)) + np.array([0.13, 0.0])
    return replace(book, risk=RiskModel(loadings=loadings, specific=random.uniform(0.05, 0.12, count) ** 2))


def _position(random: np.random.Generator, symbol: str, price: Decimal, dollars: float) -> PositionRow:
    lots = []
    for place in range(int(random.integers(1, 5))):
        shares = Decimal(max(int(dollars / 3 / float(price) * random.uniform(0.3, 1.5)), 1))
        basis = shares * (price * Decimal(f"{np.exp(random.normal(-0.1, 0.25)):.4f}")).quantize(Decimal("0.01"))
        day = TODAY - timedelta(days=int(random.integers(31, 2500)))
        lots.append(LotRow(f"{symbol}-{place}", day, shares, basis))
    return PositionRow(symbol=symbol, quantity=sum((lot.quantity for lot in lots), Decimal(0)), lots=tuple(lots))


TOPICS = {"solver_quality": solver_quality}
