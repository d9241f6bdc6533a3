"""Random accounts and households of many forms: small enough to be listed, or of a size for SCIP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, WashRow, from_rows
from rebalancer.engine.policy import Policy, Preset, ShortGainRule
from trading.benchmarks.oracle.terms import WINDOW_DAYS, Account, read

TODAY = date(2026, 11, 20)
AGES = (5, 20, 60, 200, 350, 500, 1500)
PRICES = (15.0, 600.0)
SLIDERS = (Decimal(0), Decimal("0.5"), Decimal(1))
RULES = tuple(ShortGainRule)
MINIMA = (Decimal(0), Decimal("0.002"), Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Case:
    """A household's rows, from which both the engine's book and the oracle's accounts are made."""

    seed: int
    securities: tuple[SecurityRow, ...]
    model: ModelRow
    accounts: tuple[AccountRow, ...]
    wash: tuple[WashRow, ...] = ()

    def book(self) -> Book:
        return from_rows(
            as_of=TODAY, securities=self.securities, models=[self.model], accounts=self.accounts, wash=self.wash
        )

    def terms(self) -> list[Account]:
        return [
            read(row, securities=self.securities, model=self.model, wash=self.wash, as_of=TODAY)
            for row in self.accounts
        ]


def small_case(seed: int) -> Case:
    """An account of two to four securities, a few shares of each."""
    random = np.random.default_rng([seed, 1])
    prices = (150.0, 700.0)
    return _case(seed, random, count=int(random.integers(2, 5)), prices=prices, values=[random.uniform(2_000, 9_000)])


def middle_case(seed: int) -> Case:
    """An account of three to six securities and 20,000 to 400,000 dollars."""
    random = np.random.default_rng([seed, 2])
    return _case(seed, random, count=int(random.integers(3, 7)), prices=PRICES, values=[_value(random)])


def household_case(seed: int) -> Case:
    """Two such accounts, the first taxed; what they do with a wash group concerns both, the volume of a day neither."""
    random = np.random.default_rng([seed, 3])
    case = _case(seed, random, count=int(random.integers(3, 6)), prices=PRICES, values=[_value(random), _value(random)])
    return _without_volumes(case)


def joint_case(seed: int) -> Case:
    """Two accounts, the first taxed, that follow one target together under one policy."""
    random = np.random.default_rng([seed, 4])
    case = _case(seed, random, count=int(random.integers(3, 6)), prices=PRICES, values=[_value(random), _value(random)])
    policy = replace(case.accounts[0].policy, joint=True)
    accounts = tuple(replace(account, policy=policy) for account in case.accounts)
    return _without_volumes(replace(case, accounts=accounts))


def _without_volumes(case: Case) -> Case:
    """Orders of several accounts share a day's volume, which is not asked for here."""
    return replace(case, securities=tuple(replace(one, adv_shares=10_000_000) for one in case.securities))


def _value(random: np.random.Generator) -> float:
    return float(np.exp(random.uniform(np.log(20_000), np.log(400_000))))


def _case(
    seed: int, random: np.random.Generator, *, count: int, prices: tuple[float, float], values: Sequence[float]
) -> Case:
    securities = tuple(_security(random, place, prices, values[0]) for place in range(count))
    off_model = random.random() < 0.3
    model = _model(random, securities[: count - off_model])
    household = f"CASE-{seed}"
    accounts = []
    for place, value in enumerate(values):
        taxable = random.random() < 0.75 or place < len(values) - 1
        row = _account(random, securities, model, value, TaxStatus.TAXABLE if taxable else TaxStatus.DEFERRED)
        accounts.append(replace(row, account_id=f"{household}-{place}", household=household))
    groups = sorted({one.wash_group for one in securities})
    return Case(seed, securities, model, tuple(accounts), _wash(random, groups, household))


def _account(
    random: np.random.Generator,
    securities: Sequence[SecurityRow],
    model: ModelRow,
    value: float,
    status: TaxStatus,
) -> AccountRow:
    """Untaxed accounts have bought nothing lately: how a household would best sell such lots is not asked here."""
    ages = AGES if status is TaxStatus.TAXABLE else tuple(age for age in AGES if age > WINDOW_DAYS)
    positions = _positions(random, securities, model, value, ages)
    prices = {one.symbol: one.price or Decimal(0) for one in securities}
    worth = sum((one.quantity * prices[one.symbol] for one in positions), Decimal(0))
    reserve = _cents(value * random.choice([0, 0, 0, 0.03]))
    return AccountRow(
        account_id="",
        positions=positions,
        cash=_cents(value * random.choice([0.0, 0.01, 0.03, 0.2])) + Decimal(1),
        cash_reserve=reserve,
        reserve_threshold=reserve * int(random.integers(2)) * Decimal("0.8"),
        withdrawals_due=min(_cents(value * random.choice([0, 0, 0, 0, 0.04])), worth / 2),
        tax_status=status,
        model_id="MODEL",
        policy=_policy(random),
    )


def _cents(amount: float) -> Decimal:
    return Decimal(round(amount * 100)) / 100


def _security(random: np.random.Generator, place: int, prices: tuple[float, float], value: float) -> SecurityRow:
    price = _cents(np.exp(random.uniform(*np.log(prices))))
    half = Decimal(int(random.choice([1, 2, 5, 15]))) / 100
    thin = random.random() < 0.15
    twin = place == 1 and random.random() < 0.4
    return SecurityRow(
        symbol=f"S{place}",
        price=price,
        bid=price - half,
        ask=price + half,
        adv_shares=int(20 * 0.05 * value / float(price)) + 20 if thin else 10_000_000,
        wash_group="G0" if twin else f"G{place}",
    )


def _model(random: np.random.Generator, securities: Sequence[SecurityRow]) -> ModelRow:
    cash = Decimal(int(random.choice([0, 1, 2, 5]))) / 100
    parts = np.maximum(np.round(random.dirichlet(np.full(len(securities), 2.0)) * 100 * float(1 - cash)), 1)
    parts[np.argmax(parts)] -= max(parts.sum() - 100, 0)
    weights = {one.symbol: Decimal(int(part)) / 100 for one, part in zip(securities, parts, strict=True)}
    return ModelRow(model_id="MODEL", weights=weights, cash_weight=1 - sum(weights.values(), Decimal(0)))


def _positions(
    random: np.random.Generator,
    securities: Sequence[SecurityRow],
    model: ModelRow,
    value: float,
    ages: Sequence[int],
) -> tuple[PositionRow, ...]:
    found = []
    for one in securities:
        price = float(one.price or 0)
        weight = float(model.weights.get(one.symbol, Decimal("0.08"))) * np.exp(random.normal(0, 0.5))
        shares = int(weight * value / price)
        lots = _lots(random, one.symbol, price, shares, ages)
        barred = random.random()
        if shares and random.random() < 0.9:
            found.append(
                PositionRow(
                    symbol=one.symbol,
                    quantity=Decimal(shares),
                    lots=lots,
                    no_sell=barred < 0.04,
                    no_buy=0.04 < barred < 0.1,
                )
            )
    return tuple(found)


def _lots(
    random: np.random.Generator, symbol: str, price: float, shares: int, ages: Sequence[int]
) -> tuple[LotRow, ...]:
    """One to four lots, a third of them at a loss."""
    count = min(int(random.integers(1, 5)), shares)
    cuts = sorted(random.choice(np.arange(1, max(shares, 2)), size=max(count - 1, 0), replace=False).tolist())
    sizes = np.diff([0, *cuts, shares])
    return tuple(
        LotRow(
            f"{symbol}-{place}",
            TODAY - timedelta(days=int(random.choice(ages))),
            Decimal(int(size)),
            int(size) * _cents(price * random.uniform(0.4, 1.3)),
        )
        for place, size in enumerate(sizes)
        if shares
    )


def _policy(random: np.random.Generator) -> Policy:
    return Policy(
        trigger=Preset.THRESHOLD,
        minimum_trade_amount=Decimal(0),
        minimum_trade_weight=MINIMA[random.integers(len(MINIMA))],
        scenario_slider=SLIDERS[random.integers(len(SLIDERS))],
        harvest=bool(random.random() < 0.5),
        commission=Decimal("4.95") if random.random() < 0.2 else Decimal(0),
        short_gain_rule=RULES[int(random.choice(len(RULES), p=[0.7, 0.15, 0.15]))],
        cash_drag_rate=Decimal("0.03") if random.random() < 0.2 else Decimal(0),
    )


def _wash(random: np.random.Generator, groups: Sequence[str], household: str) -> tuple[WashRow, ...]:
    group = groups[int(random.integers(len(groups)))]
    recently = TODAY - timedelta(days=12)
    kind = random.random()
    if kind < 0.07:
        return (WashRow(household=household, wash_group=group, sold_at_loss_on=recently),)
    return (WashRow(household=household, wash_group=group, bought_on=recently),) if kind < 0.14 else ()
