from __future__ import annotations

from decimal import Decimal

import pytest

from tests.trading.worlds import buy, make_connection, orders, stage
from tests.worlds import NOW, Birch
from trading.lifecycle import ForbiddenMove, OrderStatus
from trading.models import OrderTransition
from trading.services.moves import Moves, OrderMoved, route

WAY = (OrderStatus.HELD, OrderStatus.READY, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)


def staged(birch: Birch) -> Moves:
    make_connection(birch)
    stage(birch, buy("VEA", "2", price="60"), buy("AGG", "1", price="100"))
    return Moves(birch.firm_id, NOW)


def test_moves_written_together_keep_their_order_and_their_words(birch: Birch) -> None:
    moves = staged(birch)
    found = orders(birch)
    for step in WAY:
        for order in reversed(found):
            moves.move(order, step, f"“{step}” 100 % \\ it's 'said'")
    moves.write()
    for order in found:
        rows = OrderTransition.objects.for_firm(birch.firm_id).filter(order=order).order_by("id")
        told = [(row.from_status, row.to_status) for row in rows[1:]]
        assert told == list(zip((OrderStatus.STAGED, *WAY), WAY, strict=False))
        assert rows[1].cause == "“HELD” 100 % \\ it's 'said'"


def test_amounts_are_stored_to_the_last_digit(birch: Birch) -> None:
    moves = staged(birch)
    order = orders(birch)[0]
    order.cum_quantity, order.average_price = Decimal("0.000001"), Decimal("123456789012.345678")
    moves.changed(order)
    moves.write()
    again = orders(birch)[0]
    assert (again.cum_quantity, again.average_price) == (order.cum_quantity, order.average_price)
    assert again.limit_price == order.limit_price
    assert again.version == order.version


def test_an_order_that_somebody_else_moved_stops_the_whole_batch(birch: Birch) -> None:
    moves = staged(birch)
    first, second = orders(birch)
    other = Moves(birch.firm_id, NOW)
    other.move(orders(birch)[1], OrderStatus.HELD, "First.")
    other.write()
    for order in (first, second):
        moves.move(order, OrderStatus.READY, "Too late.")
    with pytest.raises(OrderMoved, match="1 of 2 orders"):
        moves.write()


def test_a_way_is_found_every_time_it_is_asked_for() -> None:
    assert route("READY", OrderStatus.SUBMITTED) == route("READY", OrderStatus.SUBMITTED)
    for _ in range(2):
        with pytest.raises(ForbiddenMove):
            route("DENIED", OrderStatus.WORKING)
