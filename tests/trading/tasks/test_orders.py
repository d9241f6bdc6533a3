from __future__ import annotations

from rebalancer.celery import app
from tests.trading.services.test_unposted import shares_come, unposted, unposted_sale
from tests.worlds import Birch, Cedar
from trading.tasks.orders import sweep_unposted


def test_every_task_on_the_schedule_is_one_that_workers_know() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_the_sweep_posts_what_was_left_in_every_firm(birch: Birch, cedar: Cedar) -> None:
    unposted_sale(birch)
    shares_come(birch)
    with cedar.scope():
        unposted_sale(cedar)
        shares_come(cedar)
    sweep_unposted()
    assert unposted(birch) == []
    with cedar.scope():
        assert unposted(cedar) == []
