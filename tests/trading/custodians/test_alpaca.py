"""The client against the real simulator: every outcome that the pipeline tells apart."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.trading.custodians.running import (
    ACCOUNT,
    OTHER_ACCOUNT,
    Simulator,
    ended,
    free_port,
    make_request,
    placed,
)
from trading.custodians.alpaca import Alpaca, Connection, Flavour
from trading.custodians.protocol import (
    Accepted,
    Ambiguous,
    AmbiguousReason,
    CancelRequested,
    InvalidRequest,
    NotSent,
    NotSentReason,
    QueryFailed,
    RefusalReason,
    Refused,
    Side,
)


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_market_buy_is_accepted_and_fills_at_the_far_touch_or_a_little_worse(simulator: Simulator, flavour: Flavour):
    with simulator.client(flavour) as line:
        filled = ended(line, placed(line, f"BUY-{flavour}"))
    assert filled.filled_quantity == 10
    assert filled.average_price
    assert Decimal("300.02") <= filled.average_price <= Decimal("300.02") * Decimal("1.0003")
    assert simulator.cash() == Decimal("100000.00") - 10 * filled.average_price
    assert simulator.shares("VTI") == 10


def test_a_large_order_fills_in_parts_that_sum_to_it(simulator: Simulator, line: Alpaca):
    since = datetime.now(UTC) - timedelta(seconds=1)
    order = ended(line, placed(line, "PARTS", symbol="BND", side=Side.SELL, quantity=Decimal(900)))
    fills = [fill for fill in line.fills(since, ACCOUNT) if fill.broker_order_id == order.broker_order_id]
    assert len(fills) >= 2
    assert sum(fill.quantity for fill in fills) == 900
    assert simulator.shares("BND") == 100
    assert simulator.cash() - 100_000 == sum(fill.quantity * fill.price for fill in fills)


def test_a_dollar_order_buys_no_more_than_its_amount(simulator: Simulator, line: Alpaca):
    order = ended(line, placed(line, "DOLLARS", quantity=None, notional=Decimal("1000.00")))
    spent = Decimal(100_000) - simulator.cash()
    assert Decimal("999.98") <= spent <= 1000
    assert order.filled_quantity == simulator.shares("VTI")


def test_the_same_id_sent_twice_adopts_the_first_order(simulator: Simulator, line: Alpaca):
    first = placed(line, "TWICE", limit_price=Decimal("1.00"))
    again = line.submit(make_request("TWICE", limit_price=Decimal("1.00")))
    assert isinstance(again, Accepted)
    assert (again.adopted, again.order.broker_order_id) == (True, first.broker_order_id)


def test_an_id_that_another_order_has_is_for_a_person_to_look_at(line: Alpaca):
    placed(line, "TAKEN", limit_price=Decimal("1.00"))
    outcome = line.submit(make_request("TAKEN", quantity=Decimal(11), limit_price=Decimal("1.00")))
    assert isinstance(outcome, Ambiguous)
    assert outcome.reason is AmbiguousReason.DIFFERENT_ORDER


@pytest.mark.parametrize(
    ("changes", "reason", "status"),
    [
        pytest.param({"quantity": Decimal(1000)}, RefusalReason.BUYING_POWER, 403, id="more than the cash buys"),
        pytest.param({"side": Side.SELL}, RefusalReason.QUANTITY, 403, id="a sell of what is not held"),
        pytest.param({"symbol": "NOPE"}, RefusalReason.INVALID, 422, id="an unknown security"),
        pytest.param({"limit_price": Decimal("1.005")}, RefusalReason.INVALID, 422, id="a price between ticks"),
        pytest.param({"account": "nobody"}, RefusalReason.NOT_FOUND, 404, id="an unknown account"),
        pytest.param({"account": OTHER_ACCOUNT}, RefusalReason.NOT_FOUND, 404, id="the account of another key"),
        pytest.param({"symbol": "WHOLE", "quantity": Decimal("1.5")}, RefusalReason.FORBIDDEN, 403, id="a fraction"),
    ],
)
def test_a_refusal_is_definitive_and_says_why(simulator: Simulator, line: Alpaca, changes, reason, status):
    outcome = line.submit(make_request("REFUSED", **changes))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.http_status) == (reason, status)
    assert simulator.cash() == 100_000


def test_an_open_buy_holds_buying_power_and_a_cancel_gives_it_back(line: Alpaca):
    resting = placed(line, "HOLDS", quantity=Decimal(100), limit_price=Decimal("250.00"))
    assert line.balances(ACCOUNT).buying_power == 75_000
    assert line.cancel(ACCOUNT, resting.broker_order_id) == CancelRequested()
    assert line.balances(ACCOUNT).buying_power == 100_000
    assert ended(line, resting, status="canceled").filled_quantity == 0


def test_an_open_sell_against_a_buy_is_refused_as_a_wash_trade(line: Alpaca):
    placed(line, "REST", symbol="BND", side=Side.SELL, limit_price=Decimal("80.00"))
    outcome = line.submit(make_request("MEETS", symbol="BND", limit_price=Decimal("80.00")))
    assert isinstance(outcome, Refused)
    assert outcome.reason is RefusalReason.WASH_TRADE


def test_a_filled_order_can_no_longer_be_cancelled(line: Alpaca):
    order = ended(line, placed(line, "TOO-LATE"))
    outcome = line.cancel(ACCOUNT, order.broker_order_id)
    assert isinstance(outcome, Refused)
    assert outcome.reason is RefusalReason.NOT_CANCELABLE


def test_a_resting_limit_order_fills_at_its_limit_or_better_when_the_market_comes_to_it(
    simulator: Simulator, line: Alpaca
):
    order = placed(line, "WAITS", limit_price=Decimal("290.00"))
    ended(line, order, status="new")
    assert [one.broker_order_id for one in line.open_orders(ACCOUNT)] == [order.broker_order_id]
    simulator.admin("POST", "prices", {"prices": [{"symbol": "VTI", "bid": "289.90", "ask": "289.95"}]})
    price = ended(line, order).average_price
    assert price
    assert Decimal("289.95") <= price <= Decimal("290.00")


def test_an_order_for_a_closed_market_waits_for_the_opening(simulator: Simulator, line: Alpaca):
    simulator.admin("PUT", "clock", {"mode": "CLOSED"})
    order = placed(line, "EARLY")
    assert (order.status, line.clock().is_open) == ("accepted", False)
    simulator.admin("PUT", "clock", {"mode": "ALWAYS_OPEN"})
    assert ended(line, order).filled_quantity == 10


def test_an_order_accepted_without_an_answer_is_ambiguous_and_found_by_its_id(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "ACCEPT_THEN_504", "times": 1})
    outcome = line.submit(make_request("LOST-ANSWER"))
    assert isinstance(outcome, Ambiguous)
    assert outcome.reason is AmbiguousReason.SERVER_ERROR
    found = line.find_by_client_order_id(ACCOUNT, "LOST-ANSWER")
    assert found is not None
    again = line.submit(make_request("LOST-ANSWER"))
    assert isinstance(again, Accepted)
    assert (again.adopted, again.order.broker_order_id) == (True, found.broker_order_id)


def test_an_order_lost_without_an_answer_is_ambiguous_and_not_found(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "LOSE_THEN_504", "times": 1})
    assert isinstance(line.submit(make_request("LOST")), Ambiguous)
    assert line.find_by_client_order_id(ACCOUNT, "LOST") is None
    assert isinstance(line.submit(make_request("LOST")), Accepted)


def test_an_answer_that_comes_too_late_is_ambiguous(simulator: Simulator):
    simulator.set_faults({"kind": "HANG", "seconds": 1.5, "times": 1})
    with simulator.client(read_timeout=0.3) as line:
        outcome = line.submit(make_request("HANGS"))
        assert outcome == Ambiguous(AmbiguousReason.TIMEOUT, "timed out")
        assert line.find_by_client_order_id(ACCOUNT, "HANGS") is not None


def test_a_custodian_out_of_budget_has_not_taken_the_order(simulator: Simulator, line: Alpaca):
    simulator.set_faults({"kind": "RATE_LIMIT", "times": 1})
    outcome = line.submit(make_request("SLOW-DOWN"))
    assert isinstance(outcome, NotSent)
    assert line.rate
    assert (outcome.reason, outcome.not_before) == (NotSentReason.RATE_LIMITED, line.rate.reset_at)
    assert line.find_by_client_order_id(ACCOUNT, "SLOW-DOWN") is None


def test_a_custodian_that_is_not_there_has_not_taken_the_order():
    with Alpaca(Connection(f"http://127.0.0.1:{free_port()}", "K", "S")) as line:
        outcome = line.submit(make_request("NOBODY"))
        assert isinstance(outcome, NotSent)
        assert outcome.reason is NotSentReason.UNREACHABLE
        with pytest.raises(QueryFailed):
            line.positions(ACCOUNT)


def test_wrong_credentials_are_our_fault_and_not_the_order_s(simulator: Simulator):
    with simulator.client(secret="guess") as line:
        outcome = line.submit(make_request("GUESS"))
        assert isinstance(outcome, Refused)
        assert outcome.reason is RefusalReason.AUTHENTICATION
        with pytest.raises(QueryFailed):
            line.order(ACCOUNT, "any")


def test_a_custodian_killed_between_two_orders_leaves_the_second_unknown_or_unsent(mortal_simulator: Simulator):
    with mortal_simulator.client() as line:
        placed(line, "BEFORE")
        mortal_simulator.kill()
        assert isinstance(line.submit(make_request("AFTER")), NotSent | Ambiguous)
        mortal_simulator.start()
        assert line.find_by_client_order_id(ACCOUNT, "BEFORE") is not None
        assert line.find_by_client_order_id(ACCOUNT, "AFTER") is None


def test_fills_are_read_over_several_pages(mortal_simulator: Simulator):
    since = datetime.now(UTC) - timedelta(seconds=1)
    with mortal_simulator.client() as line:
        orders = [placed(line, f"PAGE-{n}", quantity=Decimal(1)) for n in range(130)]
        for order in orders:
            ended(line, order)
        fills = list(line.fills(since))
    assert {fill.broker_order_id for fill in fills} == {order.broker_order_id for order in orders}
    assert len(fills) == len(orders) == mortal_simulator.admin("GET", "state")["executions"]


def test_open_orders_are_given_oldest_first(line: Alpaca):
    ids = [
        placed(line, f"OPEN-{n}", quantity=Decimal(1), limit_price=Decimal("2.00")).broker_order_id for n in range(5)
    ]
    assert [order.broker_order_id for order in line.open_orders(ACCOUNT)] == ids


def test_positions_say_what_open_sells_leave(line: Alpaca):
    placed(line, "SELLS", symbol="BND", side=Side.SELL, quantity=Decimal(300), limit_price=Decimal("90.00"))
    (position,) = line.positions(ACCOUNT)
    found = [position.quantity, position.available_quantity, position.cost_basis]
    assert found == [Decimal(1000), Decimal(700), Decimal(70_000)]


def test_the_budget_of_the_last_answer_is_known(line: Alpaca):
    before = line.rate
    line.clock()
    assert before is None
    assert line.rate
    assert line.rate.limit == 100_000
    assert line.rate.reset_at > datetime.fromtimestamp(time.time(), UTC)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"notional": Decimal(5)}, id="both a quantity and an amount"),
        pytest.param({"quantity": None}, id="neither a quantity nor an amount"),
        pytest.param({"quantity": Decimal(0)}, id="nothing"),
        pytest.param({"quantity": Decimal("NaN")}, id="not a number"),
        pytest.param({"symbol": ""}, id="no symbol"),
    ],
)
def test_an_order_that_must_not_be_sent_cannot_be_built(changes):
    with pytest.raises(InvalidRequest):
        make_request("BAD", **changes)
