"""The Celery application. `celery -A rebalancer.celery` starts it; `rebalancer/__init__.py` stays empty on purpose:
importing Celery there would load Django into the engine."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rebalancer.settings")

app = Celery("rebalancer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Sweeps find what no message reached; the daily work follows the New York day.
app.conf.beat_schedule = {
    "sweep-scans": {"task": "trading.sweep_scans", "schedule": 10.0, "options": {"expires": 10}},
    "sweep-orders": {"task": "trading.sweep_orders", "schedule": 5.0, "options": {"expires": 5}},
    "read-clocks": {"task": "trading.read_clocks", "schedule": 60.0, "options": {"expires": 60}},
    "sweep-unposted": {"task": "trading.sweep_unposted", "schedule": 60.0, "options": {"expires": 60}},
    "scan-all-firms": {"task": "trading.scan_all_firms", "schedule": crontab(hour="7", minute="30", day_of_week="1-5")},
    "look-over": {"task": "trading.look_over_orders", "schedule": 60.0, "options": {"expires": 60}},
    "look-again": {"task": "trading.look_again", "schedule": 300.0, "options": {"expires": 300}},
    "settle-all": {"task": "trading.settle_all", "schedule": crontab(hour="6", minute="0", day_of_week="1-5")},
    "reconcile-all": {"task": "trading.reconcile_all", "schedule": crontab(hour="6", minute="30", day_of_week="1-5")},
}
