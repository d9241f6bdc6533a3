"""What each role in a firm may do."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


class Role(models.TextChoices):
    OWNER = "OWNER", "Owner"
    MODEL_MANAGER = "MODEL_MANAGER", "Model manager"
    ADVISER = "ADVISER", "Adviser"
    TRADER = "TRADER", "Trader"
    COMPLIANCE = "COMPLIANCE", "Compliance"
    OPERATIONS = "OPERATIONS", "Operations"
    READ_ONLY = "READ_ONLY", "Read-only"
    CLIENT = "CLIENT", "Client"


class Right(models.TextChoices):
    VIEW_BOOK = "VIEW_BOOK", "See households, holdings and proposals"
    APPROVE = "APPROVE", "Approve and reject proposals"
    SCAN = "SCAN", "Start a scan"
    MANAGE_MODELS = "MANAGE_MODELS", "Change models and policies"
    MANAGE_TAXES = "MANAGE_TAXES", "Change a household's tax rates and budgets"
    MANAGE_RANGES = "MANAGE_RANGES", "Change an account's hold ranges"
    LOAD_FEEDS = "LOAD_FEEDS", "Load custodian files"
    HALT = "HALT", "Stop trading, and ask to let it go on"
    LIFT_HALTS = "LIFT_HALTS", "Agree that trading goes on"
    AGREE_SHARES = "AGREE_SHARES", "Agree that a block is shared out otherwise than stated"
    MANAGE_BREAKS = "MANAGE_BREAKS", "Look after differences to custodians"
    VIEW_OWN_PLAN = "VIEW_OWN_PLAN", "See one's own household"


_STAFF = frozenset({Right.VIEW_BOOK})

RIGHTS: Mapping[str, frozenset[Right]] = {
    Role.OWNER: frozenset(Right) - {Right.VIEW_OWN_PLAN},
    Role.MODEL_MANAGER: _STAFF | {Right.MANAGE_MODELS, Right.SCAN},
    Role.ADVISER: _STAFF | {Right.APPROVE, Right.SCAN, Right.MANAGE_TAXES, Right.MANAGE_RANGES, Right.HALT},
    Role.TRADER: _STAFF | {Right.SCAN, Right.HALT, Right.MANAGE_BREAKS},
    Role.COMPLIANCE: _STAFF | {Right.APPROVE, Right.HALT, Right.LIFT_HALTS, Right.AGREE_SHARES, Right.MANAGE_BREAKS},
    Role.OPERATIONS: _STAFF | {Right.LOAD_FEEDS, Right.SCAN, Right.HALT, Right.MANAGE_BREAKS},
    Role.READ_ONLY: _STAFF,
    Role.CLIENT: frozenset({Right.VIEW_OWN_PLAN}),
}


def may(role: str, right: Right) -> bool:
    return right in RIGHTS[role]
