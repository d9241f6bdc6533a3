"""The page of a model's alternates: what may be bought in place of each security, and what it can be said for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from portfolios.models import ModelAlternate, Security, TargetModel
from portfolios.selectors.targets import flat_models, version_in_force

Ranks = tuple[tuple[str, ...], ...]
"""Symbols by rank, from the first: those of one rank are equally good."""


def alternate_rows(firm_id: int, model_id: int) -> list[ModelAlternate]:
    """The model's alternates with their securities, by symbol and rank."""
    rows = ModelAlternate.objects.for_firm(firm_id).filter(target_model_id=model_id)
    found = rows.select_related("security", "alternate")
    return list(found.order_by("security__symbol", "rank", "alternate__symbol"))


def ranks_of(rows: Iterable[ModelAlternate]) -> dict[str, Ranks]:
    """Alternates by symbol.

    :param rows: in the order of `alternate_rows`
    """
    return {
        symbol: tuple(
            tuple(row.alternate.symbol for row in rank) for _, rank in groupby(named, key=lambda row: row.rank)
        )
        for symbol, named in groupby(rows, key=lambda row: row.security.symbol)
    }


def alternates_digest(rows: Sequence[ModelAlternate]) -> str:
    """What these alternates say; equal as long as nobody changes one."""
    return hashlib.sha256(json.dumps(ranks_of(rows), sort_keys=True).encode()).hexdigest()


def ranks_text(ranks: Ranks) -> str:
    """`AGG or BNDX, then SCHZ`."""
    return ", then ".join(" or ".join(rank) for rank in ranks)


def alternates_by_model(firm_id: int) -> Mapping[int, list[dict[str, Any]]]:
    """Every model's alternates in words, by model."""
    rows = ModelAlternate.objects.for_firm(firm_id).select_related("security", "alternate")
    ordered = rows.order_by("target_model_id", "security__symbol", "rank", "alternate__symbol")
    return {
        model: [{"symbol": symbol, "text": ranks_text(ranks)} for symbol, ranks in ranks_of(named).items()]
        for model, named in groupby(ordered, key=lambda row: row.target_model_id)
    }


def alternate_page(firm_id: int, model_id: int, *, on: date) -> dict[str, Any] | None:
    """A model's alternates as of a day; nothing if the firm has no such model."""
    model = TargetModel.objects.for_firm(firm_id).filter(pk=model_id).first()
    if model is None:
        return None
    rows = alternate_rows(firm_id, model_id)
    version = version_in_force(firm_id, model_id, on)
    weights = flat_models(firm_id, [version], on)[version].weights if version else {}
    held = dict(Security.objects.filter(pk__in=list(weights)).values_list("symbol", "id"))
    securities = {row.security.symbol: row.security for row in rows}
    return {
        "model": {"id": model.pk, "name": model.name, "on": on},
        "alternates": [
            {
                "security_id": securities[symbol].pk,
                "symbol": symbol,
                "name": securities[symbol].name,
                "ranks": ranks,
                "text": ranks_text(ranks),
                "waits": symbol not in held,
            }
            for symbol, ranks in ranks_of(rows).items()
        ],
        "choices": _choices({*held, *securities}),
        "seen": alternates_digest(rows),
    }


def _choices(symbols: set[str]) -> list[tuple[int, str]]:
    found = Security.objects.filter(symbol__in=symbols).order_by("symbol")
    return [(row.pk, f"{row.symbol} · {row.name}") for row in found]
