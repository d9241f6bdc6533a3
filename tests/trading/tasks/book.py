"""A scan that waits for workers, written into the database of the environment by a process of its own.

`python -m tests.trading.tasks.book` makes Birch with six households, all far off their targets, and a scan of them in
shards of two accounts.
"""

from __future__ import annotations

import django

NAMES = ("Cherry", "Elm", "Fir", "Hazel", "Larch")


def build() -> None:
    from portfolios.services.scans import start_scan
    from tests.worlds import NOW, TODAY, make_account, make_assignment, make_birch, make_household, make_lot

    world = make_birch()
    with world.scope():
        for number, name in enumerate(NAMES):
            household = make_household(world.firm_id, name=name)
            make_assignment(world.firm_id, household, world.model)
            account = make_account(world.firm_id, household, number=f"20{number}")
            make_lot(world.firm_id, account, "VTI", "100", basis="20000")
        start_scan(firm_id=world.firm_id, as_of=TODAY, requested_by="test", at=NOW, shard_accounts=2)


if __name__ == "__main__":
    django.setup()
    build()
