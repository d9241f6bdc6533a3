"""The book that the journeys walk through, written into the database of the environment by a process of its own.

`python -m tests.journeys.book` makes Birch with two households, prices of today, and its accounts at the simulator.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import django
from django.utils import timezone

FRESH = {"VTI": "300.00", "ITOT": "130.00", "VEA": "60.00", "BND": "74.00", "AGG": "100.00", "SPAXX": "1.00"}


def build() -> None:
    from django.conf import settings

    from portfolios.selectors.days import book_day
    from portfolios.services.policies import store_policy
    from tests.trading.conftest import Exchange, open_market
    from tests.worlds import make_account, make_birch, make_cedar, make_household, make_lot

    today = book_day(timezone.localdate())
    make_prices(today)
    make_cedar()
    birch = make_birch()
    with birch.scope():
        make_calm(birch.firm_id, birch.adviser.id)
        ira = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA", cash="900.00")
        make_lot(birch.firm_id, ira, "BND", "200", basis="15000.00")
    open_market(birch, Exchange(settings.SIMULATOR_URL))


if __name__ == "__main__":
    django.setup()
    build()
