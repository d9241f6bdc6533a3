"""What other settings would do to a firm's book today. Reads and decides; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from portfolios.policy_files import Layer, Level, PolicyFile, Setting, resolve
from portfolios.selectors.policies import InForce, defaults, policies_in_force
from portfolios.selectors.targets import models_of_versions
from portfolios.services.signals import households_of
from portfolios.snapshots.book import LoadedBook, load_book, policies_of
from portfolios.snapshots.columns import Columns
from portfolios.snapshots.positions import Depth
from rebalancer.engine.what_if import WhatIf, compare

SOURCE = "what if"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and what came of it."""

    before: Mapping[str, Setting]
    """Each setting asked about as it stands at that layer now, with where it was set."""
    after: Mapping[str, Any]
    result: WhatIf


def what_if(*, firm_id: int, changes: PolicyFile, as_of: date, target_model_id: int | None = None) -> Asked:
    """The firm's whole book decided under its parameter files, and with some settings of one file changed.

    The file is the firm's own, or that of a model. Nearer files keep their say: an account whose own file sets a band
    does not follow a change of the firm's.

    :raises BadPolicy: if the settings do not go together
    """
    in_force = policies_in_force(firm_id)
    changed = _changed(in_force, changes, target_model_id)
    loaded = load_book(firm_id, households_of(firm_id), as_of=as_of, depth=Depth.ALL_LOTS)
    policies, policy = policies_of(firm_id, _rows(firm_id, loaded), changed)
    after = replace(loaded.book, policies=policies, accounts=replace(loaded.book.accounts, policy=policy))
    asked = dict(changes.values())
    layers = in_force.layers(model_id=target_model_id, household_id=0, account_id=0)
    now = resolve(defaults(), layers)
    return Asked({key: now[key] for key in asked}, asked, compare(loaded.book, after))


def _changed(in_force: InForce, changes: PolicyFile, target_model_id: int | None) -> InForce:
    if target_model_id is None:
        file = changes.over(in_force.firm.file) if in_force.firm else changes
        return replace(in_force, firm=Layer(Level.FIRM, SOURCE, file))
    old = in_force.models.get(target_model_id)
    layer = Layer(Level.MODEL, SOURCE, changes.over(old.file) if old else changes)
    return replace(in_force, models={**in_force.models, target_model_id: layer})


def _rows(firm_id: int, loaded: LoadedBook) -> Columns:
    """What `policies_of` asks of the accounts."""
    versions, place = np.unique(loaded.version_ids, return_inverse=True)
    models = models_of_versions(firm_id, versions.tolist())
    model_ids = np.array([models.get(version, 0) for version in versions.tolist()], dtype=np.int64)
    return {"id": loaded.account_ids, "household_id": loaded.household_ids, "model_id": model_ids[place]}
