"""The model portfolios of the two firms: two building blocks each, and five steps of risk made from them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rebalancer.demo.book import DemoModel, DemoNode

_CASH = Decimal("0.02")
_ALL_EQUITY_CASH = Decimal("0.015")
_PLACES = Decimal("0.0001")

_STEPS: tuple[tuple[str, str, Decimal], ...] = (
    ("20-80", "Conservative 20/80", Decimal("0.20")),
    ("40-60", "Moderate 40/60", Decimal("0.40")),
    ("80-20", "Growth 80/20", Decimal("0.80")),
    ("100-0", "All equity 100/0", Decimal("1.00")),
)

_BLOCKS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "birch": (
        {"VTI": "0.52", "VB": "0.08", "VEA": "0.24", "VWO": "0.10", "VNQ": "0.06"},
        {"BND": "0.58", "BSV": "0.15", "VTIP": "0.12", "BNDX": "0.15"},
    ),
    "cedar": (
        {"ITOT": "0.48", "IJR": "0.09", "IEFA": "0.23", "IEMG": "0.10", "SCHH": "0.05", "IAU": "0.05"},
        {"AGG": "0.50", "SHY": "0.14", "TIP": "0.12", "MUB": "0.14", "HYG": "0.10"},
    ),
}


_ALTERNATES: Mapping[str, tuple[Mapping[str, tuple[tuple[str, ...], ...]], ...]] = {
    "birch": ({"VTI": (("SCHB", "ITOT"),), "VEA": (("IEFA",),)}, {"BND": (("LQD",), ("IEF",))}),
    "cedar": ({"ITOT": (("SCHB", "VTI"),), "IEFA": (("VEA",),)}, {"AGG": (("LQD",), ("IEF",))}),
}
"""Of the building blocks, and so of the models that are made of them. No two track one index."""


def models_of(slug: str) -> tuple[DemoModel, ...]:
    """Building blocks first, so that a model stands after the models it is made of."""
    equity, bonds = ({symbol: Decimal(weight) for symbol, weight in block.items()} for block in _BLOCKS[slug])
    instead = _ALTERNATES[slug]
    share = (1 - _CASH) * Decimal("0.60")
    balanced = (
        DemoNode(share, child=f"{slug}-equity"),
        DemoNode(1 - _CASH - share, child=f"{slug}-bonds"),
        DemoNode(_CASH, is_cash=True),
    )
    return (
        DemoModel(f"{slug}-equity", "Equity building block", _nodes(equity, Decimal(0)), instead[0]),
        DemoModel(f"{slug}-bonds", "Bond building block", _nodes(bonds, Decimal(0)), instead[1]),
        *(DemoModel(f"{slug}-{code}", name, _mix(equity, bonds, share_of)) for code, name, share_of in _STEPS),
        DemoModel(f"{slug}-60-40", "Balanced 60/40", balanced),
    )


def _mix(equity: Mapping[str, Decimal], bonds: Mapping[str, Decimal], share: Decimal) -> tuple[DemoNode, ...]:
    cash = _ALL_EQUITY_CASH if share == 1 else _CASH
    weights = {symbol: weight * share for symbol, weight in equity.items()}
    weights |= {symbol: weight * (1 - share) for symbol, weight in bonds.items() if share < 1}
    return _nodes({symbol: weight * (1 - cash) for symbol, weight in weights.items()}, cash)


def _nodes(weights: Mapping[str, Decimal], cash: Decimal) -> tuple[DemoNode, ...]:
    """Weights to a hundredth of a percent; the largest takes what rounding leaves, so that all sum to one."""
    rounded = {symbol: weight.quantize(_PLACES) for symbol, weight in weights.items()}
    largest = max(rounded, key=lambda symbol: rounded[symbol])
    rounded[largest] += 1 - cash - sum(rounded.values())
    nodes = tuple(DemoNode(weight, symbol=symbol) for symbol, weight in rounded.items())
    return (*nodes, DemoNode(cash, is_cash=True)) if cash else nodes


def leaf_weights(code: str, models: Mapping[str, DemoModel]) -> dict[str, Decimal]:
    """What a model holds when the models in it are opened; cash stands under the empty symbol."""
    weights: dict[str, Decimal] = {}
    for node in models[code].nodes:
        parts = {node.symbol: Decimal(1)} if not node.child else leaf_weights(node.child, models)
        for symbol, part in parts.items():
            weights[symbol] = weights.get(symbol, Decimal(0)) + node.weight * part
    return weights


def household_models(slug: str) -> tuple[str, ...]:
    """The codes that households follow, from cautious to bold."""
    return tuple(f"{slug}-{code}" for code in ("20-80", "40-60", "60-40", "80-20", "100-0"))
