"""How long an approved order takes to its custodian's answer when nothing else is to be done.

Nothing is called directly: the approval wakes a Celery worker as a page does, and the scheduler runs its sweeps
beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts.tenancy import firm_scope
from rebalancer.celery import app
from rebalancer.embedded.services import PYTHON
from rebalancer.embedded.state import CHECKOUT
from trading.benchmarks.trading_firms import TRADES_AN_ACCOUNT, TradingFirm, prepare, stage
from trading.lifecycle import OrderStatus
from trading.models import Order, Proposal
from trading.tasks.orders import nudge_orders

APPROVALS = 40
PERCENTILE = 0.95
OWN_QUEUES = "15"
"""The Valkey database of these workers, so that no other worker takes their messages."""
FIRST_WITHIN_SECONDS = 60.0
LOOKS_EVERY_SECONDS = 0.005
STOPS_WITHIN_SECONDS = 20.0
ON_THE_WAY = (OrderStatus.STAGED, OrderStatus.READY, OrderStatus.SUBMITTING)


class NeverAnswered(RuntimeError):
    """An approved order did not reach the custodian."""


def approved_to_answered(firms: Sequence[TradingFirm]) -> float:
    """Seconds within which 95 of 100 approved proposals have all their orders answered.

    :raises NeverAnswered: if one is not within a minute
    """
    firm = firms[0]
    chance = Random(11)  # noqa: S311 - a measurement, not a secret
    orders = (APPROVALS + 1) * TRADES_AN_ACCOUNT
    proposals = prepare(firm, orders=orders, chance=chance, at=timezone.now(), mixed=False)
    with _workers():
        _answered(firm, proposals[0])  # the first waits for the worker to start
        waits = sorted(_answered(firm, proposal) for proposal in proposals[1:])
    return waits[int(PERCENTILE * len(waits))]


def _answered(firm: TradingFirm, proposal: Proposal) -> float:
    begun = time.perf_counter()
    stage(firm, proposal, at=timezone.now())
    nudge_orders(firm.firm_id)
    while _is_on_the_way(firm, proposal):
        if time.perf_counter() - begun > FIRST_WITHIN_SECONDS:
            raise NeverAnswered(f"The orders of proposal {proposal.pk} did not reach the custodian.")
        time.sleep(LOOKS_EVERY_SECONDS)
    return time.perf_counter() - begun


def _is_on_the_way(firm: TradingFirm, proposal: Proposal) -> bool:
    with firm_scope(firm.firm_id):
        rows = Order.objects.for_firm(firm.firm_id).filter(run__proposal=proposal)
        return rows.filter(status__in=ON_THE_WAY).exists()


@contextmanager
def _workers() -> Iterator[None]:
    """A worker and the scheduler on this process's database, woken through queues of their own."""
    queues = re.sub(r"\d+$", OWN_QUEUES, settings.REDIS_URL)
    environment = {**os.environ, **_databases(), "REDIS_URL": queues, "SIMULATOR_URL": settings.SIMULATOR_URL}
    celery = (PYTHON, "-m", "celery", "-A", "rebalancer")
    quiet = ("--loglevel", "WARNING")
    few = ("--concurrency", "1", "--hostname", f"bench@{os.getpid()}", "--without-gossip", "--without-mingle")
    before = app.conf.broker_url
    app.conf.broker_url = re.sub(r"\d+$", OWN_QUEUES, before)
    with ExitStack() as stack:
        stack.callback(setattr, app.conf, "broker_url", before)
        for words in (("worker", *quiet, *few), ("beat", "-S", "redbeat.RedBeatScheduler", *quiet, "--pidfile=")):
            process = subprocess.Popen([*celery, *words], cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL)
            stack.callback(_stop, process)
        yield


def _databases() -> dict[str, str]:
    """Where the processes find the database that this process is turned to."""
    name = str(connections["default"].settings_dict["NAME"])
    return {
        variable: urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{name}"))
        for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
        if variable in os.environ
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(STOPS_WITHIN_SECONDS)
