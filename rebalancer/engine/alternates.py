"""What may be bought in place of a security of a model, by rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancer.engine.book_tables import Bools, Ints, check, check_columns


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Alternates:
    """One row an alternate, sorted by model, security and rank.

    What is held of an alternate counts towards the target of its security. Where the security may not be bought, what
    is missing of its target is bought of the alternate with the lowest rank that may be; of equal ranks, of the one
    whose order costs least. Every alternate is an entry of its model too, of weight 0 where the model wants none of it
    for itself.
    """

    model: Ints
    security: Ints
    alternate: Ints
    rank: Ints
    """From 1."""

    def __post_init__(self) -> None:
        check_columns(self, len(self.model), "alternates")
        check(bool((self.rank >= 1).all()), "alternates.rank must be 1 or more")
        check(bool((self.security != self.alternate).all()), "an alternate cannot stand for itself")
        order = np.lexsort((self.rank, self.security, self.model))
        check(bool((np.diff(order) > 0).all()), "alternates must be sorted by model, security and rank")
        keys = set(zip(self.model.tolist(), self.security.tolist(), self.alternate.tolist(), strict=True))
        check(len(keys) == len(self.model), "alternates names one alternate twice")

    def chains(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """(rank, alternate) in order of rank, by model and security."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        rows = zip(*(column.tolist() for column in (self.model, self.security, self.rank, self.alternate)), strict=True)
        for model, security, rank, alternate in rows:
            found.setdefault((model, security), []).append((rank, alternate))
        return found

    def of_model(self, models: Ints) -> Bools:
        """Models that name alternates, by place."""
        flags: Bools = np.isin(models, self.model)
        return flags
