"""What the tests of pages share: browsers that are signed in, and books with something to show on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from portfolios.services.scans import due_shards, start_scan
from tests.trading.worlds import make_connection
from tests.worlds import NOW, TODAY, World
from trading.models import Order, Proposal
from trading.services.approving import approve
from trading.services.scans import run_shard

HTMX = {"HX-Request": "true"}


def browser(world: World, role: str = "ADVISER", *, csrf: bool = False) -> Client:
    """A browser in which a member of the firm is signed in."""
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(User.objects.get(pk=world.members[role].user_id))
    return client


def make_scan(world: World, *, at: datetime = NOW) -> int:
    """Scan the firm's book to the end, and give the scan's id."""
    scan = start_scan(firm_id=world.firm_id, as_of=TODAY, requested_by="test", at=at)
    for shard_id in due_shards(firm_id=world.firm_id, at=at):
        run_shard(firm_id=world.firm_id, shard_id=shard_id, clock=lambda: at)
    return scan.pk


def make_proposal(world: World) -> Proposal:
    """What a scan proposes for the firm's first household."""
    make_scan(world)
    return Proposal.objects.for_firm(world.firm_id).get(household=world.household)


def make_orders(world: World) -> list[Order]:
    """The orders of that proposal, approved by the adviser and not yet sent."""
    make_connection(world)
    approve(firm_id=world.firm_id, proposal_id=make_proposal(world).pk, by=world.adviser, at=NOW)
    return list(Order.objects.for_firm(world.firm_id).order_by("id"))


@contextmanager
def counted() -> Iterator[list[int]]:
    """How many queries ran inside, in a list that is filled at the end."""
    count: list[int] = []
    with CaptureQueriesContext(connection) as captured:
        yield count
    count.append(len(captured))
