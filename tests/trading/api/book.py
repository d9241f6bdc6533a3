"""The book that the walk through the documentation begins with, written by a process of its own; prints a key.

`python -m tests.trading.api.book` makes Birch, whose sale of 55 VTI waits for Schwab to fetch it.
"""

from __future__ import annotations

import sys

import django


def build() -> str:
    """The key of the custodian that may fetch the order."""
    from tests.trading.worlds import make_connection, sell, stage
    from tests.worlds import NOW, make_birch
    from trading.connections import CUSTODIAN_API
    from trading.services.custodian_api.keys import SCOPES, create_key
    from trading.services.outbox import send_due

    birch = make_birch()
    with birch.scope():
        make_connection(birch, adapter=CUSTODIAN_API, environment="LIVE")
        stage(birch, sell(birch, "VTI", ("VTI-2026-03-02-50", "50"), ("VTI-2021-03-03-200", "5"), price="300"))
    send_due(firm_id=birch.firm_id, now=NOW)
    return create_key(custodian="SCHWAB", firm_slugs=["birch"], scopes=SCOPES, at=NOW, expires_at=None)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(build())
