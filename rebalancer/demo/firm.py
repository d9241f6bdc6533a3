"""Two firms with their households and accounts, made up from a seed: the same seed and day give the same book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count

import numpy as np

from rebalancer.demo.book import DemoClient, DemoFirm, DemoHousehold
from rebalancer.demo.budgets import with_budgets
from rebalancer.demo.drafts import Desk, Draft, fill, payment
from rebalancer.demo.market import Market
from rebalancer.demo.models import household_models, leaf_weights, models_of
from rebalancer.demo.people import ADVISERS, FIRST_NAMES, LAST_NAMES
from rebalancer.demo.situations import AFTER, BEFORE, SITUATIONS
from rebalancer.engine.money import cents

_IDS_A_FIRM = 20_000_000
_NAMES = {"birch": "Birch Advisory", "cedar": "Cedar Wealth"}
_HOUSEHOLDS = {"birch": 170, "cedar": 80}
_ACCOUNTS_IN_COUNTS = 600
_QUIET_NOISE = 0.03
_MODEL_SHARES = (0.08, 0.17, 0.40, 0.25, 0.10)
_CUSTODIANS = ("schwab", "fidelity", "ibkr")
_CUSTODIAN_SHARES = (0.42, 0.33, 0.25)

# The accounts of a household, by owner (0 the first client, 1 the second), and how common that is.
_FAMILIES: tuple[tuple[float, tuple[tuple[str, int], ...]], ...] = (
    (0.20, (("INDIVIDUAL", 0), ("TRADITIONAL_IRA", 0))),
    (0.10, (("INDIVIDUAL", 0), ("ROTH_IRA", 0))),
    (0.25, (("JOINT", 0), ("TRADITIONAL_IRA", 0))),
    (0.20, (("JOINT", 0), ("TRADITIONAL_IRA", 0), ("ROTH_IRA", 1))),
    (0.10, (("TRUST", 0), ("TRADITIONAL_IRA", 0), ("TRADITIONAL_IRA", 1))),
    (0.10, (("TRUST", 0), ("JOINT", 0), ("ROTH_IRA", 0))),
    (0.05, (("JOINT", 0),)),
)
_TITLES = {
    "INDIVIDUAL": "Individual",
    "JOINT": "Joint",
    "TRUST": "Family Trust",
    "TRADITIONAL_IRA": "Traditional IRA",
    "ROTH_IRA": "Roth IRA",
}
_RATES = ((0.27, 0.15), (0.30, 0.15), (0.37, 0.20), (0.44, 0.26), (0.46, 0.27))


@dataclass(slots=True)
class _Family:
    external_id: str
    name: str
    model_code: str
    is_married: bool
    clients: tuple[DemoClient, ...]
    drafts: list[Draft]


def make_firms(seed: int, market: Market) -> tuple[DemoFirm, ...]:
    return tuple(_make_firm(slug, seed, market, index) for index, slug in enumerate(_NAMES))


def _make_firm(slug: str, seed: int, market: Market, index: int) -> DemoFirm:
    start = (index + 1) * _IDS_A_FIRM
    desk = Desk(market, np.random.default_rng([seed, 2, index]), count(start + 1), count(start + _IDS_A_FIRM // 2))
    models = {model.code: model for model in models_of(slug)}
    weights = {code: leaf_weights(code, models) for code in household_models(slug)}
    families = [_family(slug, number, weights, desk) for number in range(1, _HOUSEHOLDS[slug] + 1)]
    drafts = [draft for family in families for draft in family.drafts]
    _assign(drafts, desk)
    for draft in drafts:
        _make_up(draft, desk)
    advisers = ADVISERS[slug]
    households = tuple(
        _household(family, advisers[number % len(advisers)].email, desk) for number, family in enumerate(families)
    )
    return DemoFirm(
        slug=slug,
        name=_NAMES[slug],
        advisers=advisers,
        models=tuple(models.values()),
        households=with_budgets(households, market),
    )


def _family(slug: str, number: int, weights: Mapping[str, Mapping[str, Decimal]], desk: Desk) -> _Family:
    """Its clients, its custodian, and what its accounts are to hold."""
    rng = desk.rng
    kinds = _FAMILIES[int(rng.choice(len(_FAMILIES), p=[share for share, _ in _FAMILIES]))][1]
    is_married = any(kind == "JOINT" or owner for kind, owner in kinds)
    last = LAST_NAMES[(number * 7 + len(slug)) % len(LAST_NAMES)]
    firsts = [str(first) for first in rng.choice(FIRST_NAMES, 2 if is_married else 1, replace=False)]
    external_id = f"{slug[0].upper()}-{number:04d}"
    clients = tuple(DemoClient(f"{external_id}-{place}", f"{first} {last}") for place, first in enumerate(firsts, 1))
    code = str(rng.choice(list(weights), p=_MODEL_SHARES))
    custodian = str(rng.choice(_CUSTODIANS, p=_CUSTODIAN_SHARES))
    wealth = float(np.clip(rng.lognormal(np.log(900_000), 0.7), 120_000, 9_000_000))
    parts = rng.dirichlet(np.full(len(kinds), 4.0)) * wealth
    drafts = [
        _draft(clients[owner], kind, custodian, max(25_000.0, float(part)), weights[code], desk)
        for (kind, owner), part in zip(kinds, parts, strict=True)
    ]
    return _Family(external_id, f"{last}, {' & '.join(firsts)}", code, is_married, clients, drafts)


def _draft(
    client: DemoClient, kind: str, custodian: str, value: float, weights: Mapping[str, Decimal], desk: Desk
) -> Draft:
    noise = desk.rng.lognormal(0.0, _QUIET_NOISE, len(weights))
    noisy = {symbol: float(w) * f for (symbol, w), f in zip(weights.items(), noise, strict=True) if symbol}
    rest = (1 - float(weights[""])) / sum(noisy.values())
    times_funded = int(desk.rng.integers(1, 3)) + int(value > 250_000)
    last_buy = desk.market.last - 25
    return Draft(
        number=_number(custodian, next(desk.lot_ids)),
        custodian=custodian,
        name=f"{client.name} {_TITLES[kind]}",
        registration=kind,
        client_id=client.external_id,
        value=value,
        weights={symbol: weight * rest for symbol, weight in noisy.items()},
        funded=sorted(int(at) for at in desk.rng.integers(0, last_buy, times_funded)),
    )


def _number(custodian: str, serial: int) -> str:
    """An account number that looks as the custodian's do; serials are unique, so numbers are."""
    scrambled = serial * 7919 % 100_000_000
    if custodian == "schwab":
        return f"{scrambled // 10_000:04d}-{scrambled % 10_000:04d}"
    return f"Z{scrambled:08d}" if custodian == "fidelity" else f"U{scrambled:08d}"


def _assign(drafts: list[Draft], desk: Desk) -> None:
    """Give each situation its share of the accounts it can befall; an account has one at most."""
    free = [drafts[int(index)] for index in desk.rng.permutation(len(drafts))]
    for situation in SITUATIONS:
        wanted = max(2, round(situation.count * len(drafts) / _ACCOUNTS_IN_COUNTS))
        fit = [
            draft
            for draft in free
            if (draft.is_taxable or not situation.is_for_taxable)
            and (draft.custodian != "ibkr" or not situation.needs_terms)
        ]
        for draft in fit[:wanted]:
            draft.situation = situation.code
        free = [draft for draft in free if not draft.situation]


def _make_up(draft: Draft, desk: Desk) -> None:
    if draft.situation in BEFORE:
        BEFORE[draft.situation](draft, desk)
    fill(draft, desk)
    if draft.situation in AFTER:
        AFTER[draft.situation](draft, desk)
    _pay_dividend(draft, desk)


def _pay_dividend(draft: Draft, desk: Desk) -> None:
    """Half of the accounts have had a quarterly dividend on their largest holding in the last weeks."""
    if desk.rng.random() < 0.5 and draft.lots:
        lot = max(draft.lots, key=lambda held: held.quantity * desk.market.price(held.symbol))
        amount = cents(lot.quantity * desk.market.price(lot.symbol) * Decimal("0.0045"))
        at = desk.market.last - int(desk.rng.integers(3, 45))
        draft.transactions.append(payment(desk, "DIVIDEND", at, amount, symbol=lot.symbol, text="Dividend"))


def _household(family: _Family, adviser_email: str, desk: Desk) -> DemoHousehold:
    accounts = tuple(draft.finished() for draft in family.drafts)
    short_rate, long_rate = _RATES[int(desk.rng.integers(len(_RATES)))]
    moves = [move for account in accounts if account.is_taxable for move in account.transactions]
    year = date(desk.as_of.year, 1, 1)
    return DemoHousehold(
        external_id=family.external_id,
        name=family.name,
        adviser_email=adviser_email,
        model_code=family.model_code,
        filing_status="MARRIED_JOINT" if family.is_married else "SINGLE",
        short_rate=Decimal(str(short_rate)),
        long_rate=Decimal(str(long_rate)),
        realised_short=sum((move.realised_short or Decimal(0) for move in moves if move.trade_on >= year), Decimal(0)),
        realised_long=sum((move.realised_long or Decimal(0) for move in moves if move.trade_on >= year), Decimal(0)),
        clients=family.clients,
        accounts=accounts,
    )
