"""Open accounts with all that is known of each: cash, reserves, money on its way, problems, and the model followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from portfolios.snapshots import queries
from portfolios.snapshots.columns import Columns, Ints, fetch_columns, fetch_of, places, scattered

WITHDRAWAL_NOTICE = timedelta(days=7)
"""A payment falling due within a week is raised now: it must be settled by its day."""
NONE = -1


def account_rows(firm_id: int, household_ids: Sequence[int], *, as_of: date) -> Columns:
    """One row an open account of these households, by household and account.

    Money is in micro-dollars, days count from 1970 (-1: none). `version_id` is 0 where no model is followed, and so
    is `model_id`; `model_changed` is the later of the day the model was assigned and the day its version took effect.
    """
    parameters = {"firm": firm_id, "on": as_of, "flows_until": as_of + WITHDRAWAL_NOTICE}
    wanted = np.unique(np.array(household_ids, dtype=np.int64))
    rows, _ = fetch_of(wanted, queries.ACCOUNTS, parameters, queries.ACCOUNT_COLUMNS, by="account.household_id")
    sorting = np.lexsort((rows["id"], rows["household_id"]))
    rows = {name: column[sorting] for name, column in rows.items()}
    order = np.argsort(rows["id"], kind="stable")
    ids, size = rows["id"][order], len(order)
    for query, names in queries.OF_ACCOUNTS:
        found, place = fetch_of(ids, query, parameters, ("account_id", *names), by="account_id")
        rows |= {name: scattered(found[name], order[place], size) for name in names}
    return rows | _followed(rows, ids, order, parameters)


def _followed(rows: Columns, ids: Ints, order: Ints, parameters: dict[str, Any]) -> Columns:
    """The model that each account follows: its own, or else its household's; and the version in force."""
    size = len(order)
    households, household = np.unique(rows["household_id"], return_inverse=True)
    own, place = _newest(*fetch_of(ids, queries.OWN_MODELS, parameters, queries.OWN_MODEL_COLUMNS, by="account_id"))
    shared, of = _newest(
        *fetch_of(households, queries.SHARED_MODELS, parameters, queries.SHARED_MODEL_COLUMNS, by="household_id")
    )
    model = scattered(shared["model_id"], of, len(households))[household]
    assigned = scattered(shared["assigned"], of, len(households), NONE)[household]
    model[order[place]], assigned[order[place]] = own["model_id"], own["assigned"]
    versions = fetch_columns(queries.VERSIONS, parameters, queries.VERSION_COLUMNS)
    version = places(versions["model_id"], model)
    has = version >= 0
    changed = np.full(size, NONE, dtype=np.int64)
    changed[has] = np.maximum(assigned[has], versions["effective"][version[has]])
    version_id = np.zeros(size, dtype=np.int64)
    version_id[has] = versions["version_id"][version[has]]
    return {"model_id": np.where(has, model, 0), "version_id": version_id, "model_changed": changed}


def _newest(assignments: Columns, of: Ints) -> tuple[Columns, Ints]:
    """The last assignment of each owner, by day and then by id, and the owner's place."""
    order = np.lexsort((assignments["id"], assignments["assigned"], of))
    last = order[np.append(of[order][1:] != of[order][:-1], np.ones(min(len(of), 1), dtype=np.bool_))]
    return {name: column[last] for name, column in assignments.items()}, of[last]
