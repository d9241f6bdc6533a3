"""Sending orders, posting late fills, settling, reconciling. Each task makes one call; sweeps find what is left."""

from __future__ import annotations

import os
import socket

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from accounts.tenancy import firm_ids
from trading.selectors.breaks import is_seen_once
from trading.services.breaker import read_clocks
from trading.services.catching_up import look_over
from trading.services.outbox import send_due
from trading.services.overfills import stop_left_over
from trading.services.reconcile import reconcile
from trading.services.settlement import settle
from trading.services.strangers import settle_parked
from trading.services.unposted import post_unposted


def nudge_orders(firm_id: int) -> None:
    """Wake a worker for the firm's orders once the caller's transaction is committed.

    What was decided stands whether or not the broker answers: then the sweep finds it.
    """
    transaction.on_commit(lambda: work_orders.delay(firm_id), robust=True)


@shared_task(name="trading.work_orders")
def work_orders(firm_id: int) -> None:
    """Release the firm's waiting orders and carry out its due commands."""
    send_due(firm_id=firm_id, now=timezone.now(), worker=f"{socket.gethostname()}:{os.getpid()}")


@shared_task(name="trading.sweep_orders")
def sweep_orders() -> None:
    """Do for every firm what no message asked for."""
    for firm_id in firm_ids():
        settle_parked(firm_id=firm_id, now=timezone.now())
        work_orders(firm_id)


@shared_task(name="trading.read_clocks")
def read_all_clocks() -> None:
    """Compare our clock with those of every firm's custodians."""
    for firm_id in firm_ids():
        read_clocks(firm_id=firm_id, now=timezone.now())


@shared_task(name="trading.sweep_unposted")
def sweep_unposted() -> None:
    """Do for every firm what could not be done when it was filled: postings, and halts after overfills."""
    for firm_id in firm_ids():
        post_unposted(firm_id=firm_id, at=timezone.now())
        stop_left_over(firm_id=firm_id, now=timezone.now())


@shared_task(name="trading.settle_firm")
def settle_firm(firm_id: int) -> None:
    now = timezone.now()
    settle(firm_id=firm_id, today=timezone.localdate(now), now=now)


@shared_task(name="trading.settle_all")
def settle_all() -> None:
    """Settle what is due today in every firm."""
    for firm_id in firm_ids():
        settle_firm.delay(firm_id)


@shared_task(name="trading.reconcile_firm")
def reconcile_firm(firm_id: int) -> None:
    reconcile(firm_id=firm_id, now=timezone.now())


@shared_task(name="trading.reconcile_all")
def reconcile_all() -> None:
    """Compare every firm's books with its custodians'."""
    for firm_id in firm_ids():
        reconcile_firm.delay(firm_id)


@shared_task(name="trading.look_again")
def look_again() -> None:
    """Compare once more where a comparison found something new: what a second one finds too is no passing thing."""
    for firm_id in firm_ids():
        if is_seen_once(firm_id, timezone.now()):
            reconcile(firm_id=firm_id, now=timezone.now())


@shared_task(name="trading.look_over_orders")
def look_over_orders() -> None:
    """Compare what custodians have of every firm with what they say of it now."""
    for firm_id in firm_ids():
        look_over(firm_id=firm_id, now=timezone.now())
