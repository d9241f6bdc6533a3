"""The scratch space of one account while it is solved. Allocated once and used again for every account."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
"""A structured array: compiled code reads and writes its fields by name."""

ANY = 1 << 62
"""More steps than any trade has."""
STATES = 2
"""Ways in which a security may be sold: gains only, or everything with recent purchases first."""
AROUND = 240
"""Points of a curve beside the two at every lot's end: around the goal, smallest and largest trades, and cuts."""
OPTIONS = 32
"""Alternatives of one row that a search looks at."""
CUTS = 400
"""Branches that stand open at most."""

ROW = np.dtype(
    [
        ("price", "f8"),  # dollars a step
        ("outlay", "f8"),  # what a step bought takes out of cash
        ("proceeds", "f8"),  # what a step sold brings into cash
        ("friction", "f8"),  # spread a step
        ("fee", "f8"),  # regulatory fee a step sold
        ("held", "f8"),  # dollars
        ("whole", "f8"),  # steps that are held; the last of them may be part of one
        ("goal", "f8"),  # dollars
        ("y", "f8"),  # relaxed: cash brought
        ("part", "f8"),  # relaxed: steps
        ("kept_part", "f8"),  # those of the relaxation that is divided
        ("dev", "f8"),  # dollars away from the goal
        ("grad", "f8"),  # what a dollar held more changes in the variance term
        ("base", "f8"),  # least cost at the price of cash
        ("least", "i8"),  # fewest steps of a trade
        ("most_buy", "i8"),
        ("bound_to_sell", "?"),  # selling nothing is not allowed
        ("lowest", "i8"),  # fewest steps whatever branch, sales negative: what must stay or go
        ("highest", "i8"),
        ("low", "i8"),  # fewest steps that a branch allows, sales negative
        ("high", "i8"),
        ("points", "i8"),  # how many
        ("corners", "i8"),
        ("options", "i8"),
        ("at", "i8"),  # the corner where the sweep stands
        ("edge", "f8"),  # what a dollar of cash costs after that corner
        ("start", "i8"),  # steps at that corner
        ("best", "i8"),  # steps of the best answer
        ("kept", "i8"),  # steps of the best answer of all branches
    ]
)
STATE = np.dtype([("begin", "i8"), ("end", "i8"), ("lots", "i8")])
"""Fewest and most steps sold in a state (begin 0: it is not open), and how many lots it has."""
LOT = np.dtype([("lot", "i8"), ("end", "f8"), ("tax", "f8")])
"""A lot of a state: its row in the book, steps sold when it is used up, dollars of tax a step within it."""
POINT = np.dtype([("n", "i8"), ("y", "f8"), ("g", "f8")])
"""Steps (buys positive, descending), the cash they bring, what they cost with the drift they leave."""
OPTION = np.dtype([("n", "i8"), ("excess", "f8"), ("cash", "f8")])
LEVEL = np.dtype([("row", "i8"), ("option", "i8"), ("chosen", "i8"), ("spent", "f8"), ("cash", "f8")])
CUT = np.dtype([("row", "i8"), ("low", "i8"), ("high", "i8"), ("depth", "i8"), ("bound", "f8")])


class Work(NamedTuple):
    """`rows[row]`, `states[row, state]`, `lots[row, state, place]`, `points[row, place]`, and so on."""

    rows: Records
    states: Records
    lots: Records
    points: Records
    corners: NDArray[np.int64]
    """Places of points on the lower convex hull, by ascending cash."""
    options: Records
    levels: Records
    cuts: Records
    path: Records
    conflict: NDArray[np.int64]
    matrix: NDArray[np.float64]
    """Covariance of the account's securities; empty where none is needed."""


def work_for(rows: int, lots: int, *, risk: bool = False) -> Work:
    """Space for accounts of so many rows, each with so many lots at most."""
    points = 2 * STATES * lots + AROUND
    return Work(
        rows=np.zeros(rows + 1, dtype=ROW),
        states=np.zeros((rows + 1, STATES), dtype=STATE),
        lots=np.zeros((rows + 1, STATES, lots + 1), dtype=LOT),
        points=np.zeros((rows + 1, points), dtype=POINT),
        corners=np.zeros((rows + 1, points), dtype=np.int64),
        options=np.zeros((rows + 1, OPTIONS), dtype=OPTION),
        levels=np.zeros(rows + 1, dtype=LEVEL),
        cuts=np.zeros(CUTS, dtype=CUT),
        path=np.zeros(CUTS, dtype=CUT),
        conflict=np.zeros(8, dtype=np.int64),
        matrix=np.zeros((rows + 1, rows + 1) if risk else (0, 0)),
    )
