"""Books for the engine's benchmark, made from a seed: models, holdings that have drifted, lots of whole shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from rebalancer.engine.book import Accounts, Block, Book, Kind, LotTable, Models, Positions, Securities, WashFacts
from rebalancer.engine.book_tables import MICRO, Floats, Ints
from rebalancer.engine.policy import Policy, Preset

AS_OF = date(2026, 11, 20)
CASH_WEIGHT = 0.02
OFF_MODEL_WEIGHT = 0.02
POLICY = Policy(trigger=Preset.THRESHOLD, scenario_slider=Decimal("0.5"), harvest=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`assets` is how many securities the models have, from the fewest to the most."""

    accounts: int
    assets: tuple[int, int] = (12, 12)
    off_model: int = 3
    lots: int = 4
    """A position."""
    a_household: int = 2


def synthetic_book(size: Size, seed: int) -> Book:
    """A book of so many accounts; each holds its model's securities and some others. Models differ in their length."""
    random = np.random.default_rng(seed)
    least, most = size.assets
    models = _models(random, least, most)
    count = most + size.off_model
    price = np.round(np.exp(random.uniform(np.log(20), np.log(500), count)) * 100) / 100
    model = random.integers(0, most - least + 1, size.accounts)
    value = np.exp(random.normal(np.log(250_000), 0.8, size.accounts))
    held = _held(models, model, most, size.off_model)
    shares = _shares(random, held, price, value)
    account, security = np.nonzero(shares)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(account, minlength=size.accounts))]).astype(np.int64)
    return Book(
        as_of=AS_OF,
        asset_classes=tuple(f"Class {place}" for place in range(5)),
        wash_groups=count,
        households=-(-size.accounts // size.a_household),
        securities=_securities(price),
        models=models,
        policies=(POLICY,),
        accounts=_accounts(random, size, value, model),
        positions=_positions(offsets, security, shares[account, security]),
        lots=_lots(random, shares[account, security], price[security], size.lots),
        wash=WashFacts(
            household=_none(),
            wash_group=_none(),
            sold_at_loss_on=_none().astype("datetime64[D]"),
            bought_on=_none().astype("datetime64[D]"),
            held_outside=_none(),
        ),
    )


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _models(random: np.random.Generator, least: int, most: int) -> Models:
    sizes = np.arange(least, most + 1)
    weights = [_weights(random, int(count)) for count in sizes]
    return Models(
        model_id=tuple(f"M{count}" for count in sizes),
        cash_weight=np.full(len(sizes), CASH_WEIGHT),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        security=np.concatenate([np.arange(count, dtype=np.int64) for count in sizes]),
        weight=np.concatenate(weights),
        node=np.full(int(sizes.sum()), -1, dtype=np.int64),
        node_names=((),) * len(sizes),
    )


def _weights(random: np.random.Generator, count: int) -> Floats:
    """Between about 2 % and 25 %, summing to what cash leaves."""
    drawn = random.dirichlet(np.full(count, 4.0)) + 0.02
    weights: Floats = drawn / drawn.sum() * (1 - CASH_WEIGHT)
    return weights


def _held(models: Models, model: Ints, most: int, off_model: int) -> Floats:
    """Weights that accounts drifted from, by account and security."""
    table = np.zeros((len(models.model_id), most + off_model))
    for place in range(len(models.model_id)):
        own = slice(int(models.offsets[place]), int(models.offsets[place + 1]))
        table[place, models.security[own]] = models.weight[own]
    table[:, most:] = OFF_MODEL_WEIGHT
    held: Floats = table[model]
    return held


def _shares(random: np.random.Generator, held: Floats, price: Floats, value: Floats) -> Ints:
    drifted = held * np.exp(random.normal(0, 0.25, held.shape))
    drifted *= (held.sum(axis=1) / drifted.sum(axis=1))[:, None]
    shares: Ints = np.round(drifted * value[:, None] / price).astype(np.int64)
    return shares


def _securities(price: Floats) -> Securities:
    count = len(price)
    half = np.maximum(np.round(price * 1.5e-4 * 100), 1) * 10_000
    micros = np.round(price * MICRO).astype(np.int64)
    return Securities(
        symbol=tuple(f"S{place:02}" for place in range(count)),
        price=micros,
        bid=micros - half.astype(np.int64),
        ask=micros + half.astype(np.int64),
        adv_shares=np.full(count, 5_000_000, dtype=np.int64),
        price_age_sessions=np.zeros(count, dtype=np.int64),
        asset_class=np.arange(count, dtype=np.int64) % 5,
        wash_group=np.arange(count, dtype=np.int64),
        kind=np.full(count, Kind.ETF, dtype=np.int64),
        fractional=np.zeros(count, dtype=bool),
        lot_size=np.ones(count, dtype=np.int64),
        tradable=np.ones(count, dtype=bool),
    )


def _accounts(random: np.random.Generator, size: Size, value: Floats, model: Ints) -> Accounts:
    count = size.accounts
    zero = np.zeros(count, dtype=np.int64)
    never = np.full(count, "NaT", dtype="datetime64[D]")
    cash = np.round(value * random.choice([0.0, 0.02, 0.06], count) * 100).astype(np.int64) * 10_000
    return Accounts(
        account_id=tuple(f"A{place:05}" for place in range(count)),
        household=np.arange(count, dtype=np.int64) // size.a_household,
        tax_status=(random.random(count) < 0.35).astype(np.int64),
        cash_settled=cash,
        cash_unsettled=zero.copy(),
        cash_reserve=zero.copy(),
        reserve_threshold=zero.copy(),
        withdrawals_due=zero.copy(),
        contributions=zero.copy(),
        model=model.astype(np.int64),
        policy=zero.copy(),
        block=np.full(count, Block.NONE, dtype=np.int64),
        last_rebalanced_on=never,
        model_changed_on=never.copy(),
    )


def _positions(offsets: Ints, security: Ints, shares: Ints) -> Positions:
    no = np.zeros(len(security), dtype=bool)
    return Positions(
        offsets=offsets,
        security=security.astype(np.int64),
        quantity=shares * MICRO,
        no_buy=no.copy(),
        no_sell=no.copy(),
        hold=no.copy(),
        basis_known=~no,
        lots_missing=no.copy(),
    )


def _lots(random: np.random.Generator, shares: Ints, price: Floats, lots: int) -> LotTable:
    """Positions cut into up to so many lots of whole shares, bought over eight years at 50 to 120 % of the price."""
    sizes = shares[:, None] // lots + (np.arange(lots) < (shares % lots)[:, None])
    position, _ = np.nonzero(sizes)
    quantity = sizes[sizes > 0]
    each = np.round(price[position] * random.uniform(0.5, 1.2, len(quantity)) * 100)
    age = random.integers(1, 8 * 365, len(quantity))
    counts = np.bincount(position, minlength=len(shares))
    return LotTable(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        lot_id=tuple(f"L{place}" for place in range(len(quantity))),
        acquired_on=np.datetime64(AS_OF) - age.astype("timedelta64[D]"),
        quantity=quantity * MICRO,
        cost_basis=(quantity * each).astype(np.int64) * 10_000,
        inherited=np.zeros(len(quantity), dtype=bool),
    )
