"""What a joint household costs at the least, and trades that come near it: its program, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import highspy
import numpy as np

from rebalancer.engine.book_tables import Floats
from rebalancer.engine.optimiser.households.members import Household
from rebalancer.engine.optimiser.households.statement import Statement

ENDED = frozenset({highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit})
"""A search with whole numbers is proven, or out of nodes."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How far HiGHS goes."""

    whole: bool
    """With whole numbers; else only the relaxation."""
    nodes: int
    gap_bps: float


EXACT = Effort(whole=True, nodes=20_000, gap_bps=0.002)
QUICK = Effort(whole=True, nodes=300, gap_bps=0.005)
RELAXED = Effort(whole=False, nodes=0, gap_bps=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Programmed:
    """Dollars that nothing costs less than; and by row the steps found, sales negative, or None where none were."""

    bound: float
    steps: Floats | None


def program(household: Household, effort: Effort) -> Programmed:
    """The least cost of a household, as far as the effort goes."""
    built = Statement(household)
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.silent()
    for name, value in (
        ("threads", 1),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", effort.gap_bps),
        ("mip_max_nodes", effort.nodes),
        ("mip_feasibility_tolerance", 1e-7),
    ):
        highs.setOptionValue(name, value)
    whole = effort.whole and household.search.risk is None
    highs.passModel(built.columns.model(whole=whole))
    if household.search.risk is not None:
        highs.passHessian(built.hessian())
    highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    lowest = info.mip_dual_bound if whole else info.objective_function_value
    sound = status in (ENDED if whole else {highspy.HighsModelStatus.kOptimal})
    values = np.array(highs.getSolution().col_value)
    bound = lowest * household.value / 1e4 if sound and isfinite(lowest) else built.least_tax()
    return Programmed(bound, built.steps(values) if sound and len(values) else None)
