"""A custodian's delivery that lands anywhere within a release.

Each statement sees what others had committed when it began (READ COMMITTED). A delivery taken in right before the n-th
statement of a release is therefore seen as one that another worker committed there; every n is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, transaction

from tests.trading.worlds import buy, cash, filled, make_connection, orders, sell, sent, stage, take_in, told
from tests.worlds import NOW, Birch
from trading.lifecycle import TERMINAL
from trading.models import Order
from trading.services.deliveries import Delivery, Said
from trading.services.outbox import claim
from trading.services.pretrade import cost
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"
WAITING = {"STAGED", "HELD"}


@dataclass(slots=True)
class Before:
    """Does something right before the n-th statement that is executed while it is in place."""

    number: int
    act: Callable[[], object]
    seen: list[str] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        if len(self.seen) == self.number:
            with _aside(self):
                self.act()
        return execute(sql, params, many, context)


@contextmanager
def _aside(wrapper: Before) -> Iterator[None]:
    """Statements of the act itself are not counted."""
    connection.execute_wrappers.remove(wrapper)
    try:
        yield
    finally:
        connection.execute_wrappers.append(wrapper)


class _Undo(Exception):
    """Takes a trial back."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What stood at the end: the states of all orders, and cash less all that open buys may still take."""

    statuses: tuple[str, ...]
    free_cents: int
    before: str
    """The statement before which the delivery came."""


def trials(world: Birch, deliveries: Sequence[tuple[Order, Delivery]]) -> list[Trial]:
    """The end of a release for each place in it where the deliveries can come."""
    found: list[Trial] = []
    while True:
        wrapper = Before(len(found) + 1, lambda: [take_in(order, delivery) for order, delivery in deliveries])
        try:
            with transaction.atomic():
                with connection.execute_wrapper(wrapper):
                    release_waves(firm_id=world.firm_id, now=NOW)
                if len(wrapper.seen) < wrapper.number:
                    raise _Undo
                end = orders(world)
                open_buys = [o for o in end if o.side == "BUY" and o.status not in (*TERMINAL, *WAITING)]
                free = sum(cash(world)) - sum(cost(order) for order in open_buys)
                found.append(Trial(tuple(o.status for o in end), int(free * 100), wrapper.seen[wrapper.number - 1]))
                raise _Undo
        except _Undo:
            if len(wrapper.seen) < wrapper.number:
                return found


def at_work(world: Birch) -> Order:
    """A sale on the wire whose proceeds pay for a buy that waits."""
    make_connection(world)
    stage(world, sell(world, "VTI", (OLD_VTI, "60"), price="300"), buy("VEA", "250", price="60"))
    release_waves(firm_id=world.firm_id, now=NOW)
    claim(firm_id=world.firm_id, worker="test", now=NOW)
    return orders(world)[0]


def test_a_sale_that_ends_within_a_release_holds_its_buy_or_pays_for_it(birch: Birch) -> None:
    sale = at_work(birch)
    found = trials(birch, [(sale, filled(sale, "x1", "60", "300"))])
    assert {trial.statuses for trial in found} == {("FILLED", "READY"), ("FILLED", "HELD")}
    assert min(trial.free_cents for trial in found) >= 0
    assert any('FROM "portfolios_cashbalance"' in trial.before for trial in found)


def test_a_sale_that_brings_too_little_never_lets_its_buy_go_uncut(birch: Birch) -> None:
    sale = at_work(birch)
    found = trials(birch, [(sale, filled(sale, "x1", "20", "300")), (sale, told(sale, Said.CANCELED, "c", seconds=1))])
    assert {trial.statuses for trial in found} == {("CANCELED", "READY"), ("CANCELED", "HELD")}
    assert min(trial.free_cents for trial in found) >= 0


@pytest.mark.parametrize(
    ("shares", "ends"),
    [
        pytest.param("7", {"READY", "CANCELED"}, id="cash is enough for both"),
        pytest.param("8", {"READY", "CANCELED"}, id="cash is short by a dollar"),
        pytest.param("20", {"READY", "CANCELED"}, id="each alone would be paid for"),
    ],
)
def test_a_buy_that_fills_within_a_release_leaves_no_cash_to_be_spent_twice(
    birch: Birch, shares: str, ends: set[str]
) -> None:
    make_connection(birch)
    (working,) = sent(birch, buy("VEA", "20", price="60"))
    stage(birch, buy("AGG", shares, price="100"))
    found = trials(birch, [(working, filled(working, "x1", "20", "60"))])
    assert {trial.statuses for trial in found} == {("FILLED", end) for end in ends}
    assert min(trial.free_cents for trial in found) >= 0
