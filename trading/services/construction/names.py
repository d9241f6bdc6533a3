"""The id under which a custodian knows an order: a function of what was approved, so that it is decided once."""

from __future__ import annotations

import hashlib

import ulid

from trading.models import Proposal

CLIENT_ID_PREFIX = "RB-"
TIME_BYTES, NAME_BYTES = 6, 10


def client_order_id(proposal: Proposal, *economic: object) -> str:
    """A ULID of 26 characters with our prefix, of the proposal's moment and a digest of all that makes the order.

    The same approved order has the same id whenever it is staged, even from a database that was restored: a custodian
    refuses it the second time. Another order has another id.
    """
    words = (proposal.firm_id, proposal.pk, proposal.content_sha256, *economic)
    name = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    milliseconds = int(proposal.created_at.timestamp() * 1000)
    return f"{CLIENT_ID_PREFIX}{ulid.from_bytes(milliseconds.to_bytes(TIME_BYTES, 'big') + name[:NAME_BYTES])}"
