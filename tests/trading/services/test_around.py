from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.trading.worlds import buy, make_connection, orders, stage
from tests.worlds import Birch, Cedar
from trading.models import BrokerConnection
from trading.services.around import load_around


def test_orders_share_what_they_refer_to_however_many_there_are(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    with cedar.scope():
        make_connection(cedar)
    stage(birch, buy("VEA", "2", price="60"), buy("AGG", "1", price="100"), buy("ITOT", "1", price="130"))
    found = orders(birch)
    with CaptureQueriesContext(connection) as told:
        load_around(birch.firm_id, found)
        names = {
            (order.connection.custodian.name, order.holder.number, order.run.proposal.status)
            for order in found
            if order.run
        }
        symbols = [order.security.symbol for order in found]
    assert len(told) == 5
    assert symbols == ["VEA", "AGG", "ITOT"]
    assert len(names) == 1
    assert {id(order.connection) for order in found} == {id(found[0].connection)}


def test_nothing_around_an_order_is_read_from_another_firm(birch: Birch, cedar: Cedar) -> None:
    make_connection(birch)
    with cedar.scope():
        others = make_connection(cedar)
    (order,) = stage(birch, buy("VEA", "2", price="60"))
    load_around(birch.firm_id, [order])
    assert order.connection.firm_id == birch.firm_id
    assert others.pk not in set(BrokerConnection.objects.for_firm(birch.firm_id).values_list("id", flat=True))
