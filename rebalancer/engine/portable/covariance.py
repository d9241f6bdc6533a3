"""A covariance as a file writes it, turned into loadings on factors."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from rebalancer.engine.book import RiskModel
from rebalancer.engine.book_tables import Floats
from rebalancer.engine.portable.fields import BadPortableBook, Source, shown

NEGATIVE = 1e-6
"""Of the largest eigenvalue: how far below zero one may lie because the file's numbers were rounded."""
UNEQUAL = 1e-6
"""Of the largest entry: how far the two halves may differ."""


def risk_of(whole: Source, priced: Sequence[str]) -> RiskModel | None:
    """The risk model of a book with `covariance`: yearly, one row and column for each of `symbols`.

    Without `symbols` the rows are in the order of `prices`. Securities that are not priced in the book are left out.
    The loadings are the eigenvectors, each times the root of its eigenvalue.
    """
    if "covariance" not in whole:
        return None
    named = whole.items("symbols") if "symbols" in whole else list(priced)
    matrix = _matrix(whole, len(named))
    places = {symbol: place for place, symbol in enumerate(named) if isinstance(symbol, str)}
    for symbol in priced:
        if symbol not in places:
            raise BadPortableBook(f"{whole.where}: covariance has no row for {symbol}, which has a price.")
    chosen = [places[symbol] for symbol in priced]
    return RiskModel(loadings=_loadings(whole, matrix[np.ix_(chosen, chosen)]), specific=np.zeros(len(priced)))


def _matrix(whole: Source, size: int) -> Floats:
    rows = whole.items("covariance")
    if len(rows) != size or any(not isinstance(row, list) or len(row) != size for row in rows):
        raise BadPortableBook(
            f"{whole.where}: covariance must have {size} rows of {size} numbers, one for each symbol."
        )
    matrix = np.array([[_number(whole, value) for value in row] for row in rows], dtype=np.float64).reshape(size, size)
    largest = float(np.abs(matrix).max(initial=0.0))
    if (np.abs(matrix - matrix.T) > UNEQUAL * largest).any():
        raise BadPortableBook(f"{whole.where}: covariance must be symmetric.")
    symmetric: Floats = (matrix + matrix.T) / 2
    return symmetric


def _number(whole: Source, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise BadPortableBook(f"{whole.where}: covariance must hold numbers, not {shown(value)}.")
    return float(value)


def _loadings(whole: Source, matrix: Floats) -> Floats:
    """Of the factors that matter, securities by factors."""
    values, vectors = np.linalg.eigh(matrix)
    largest, least = float(values.max(initial=0.0)), float(values.min(initial=0.0))
    if least < -NEGATIVE * max(largest, 0.0):
        raise BadPortableBook(
            f"{whole.where}: covariance must be positive semidefinite: its eigenvalues run from {least:.3g} "
            f"to {largest:.3g}."
        )
    kept = values > 0
    return np.ascontiguousarray(vectors[:, kept] * np.sqrt(values[kept]))
