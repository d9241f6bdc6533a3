"""The tasks that workers and the schedule know. Celery finds them here."""

from trading.tasks import orders, scans

__all__ = ["orders", "scans"]
