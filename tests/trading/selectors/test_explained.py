"""What went otherwise than planned with an order is told in sentences, and what went as planned is not."""

from __future__ import annotations

from datetime import timedelta

from tests.trading.worlds import buy, filled, make_connection, orders, sell, sent, take_in, told
from tests.worlds import NOW, Birch, Cedar, World
from trading.models import Execution, Order
from trading.selectors.explained import executions_of, explain, needing_attention
from trading.services.deliveries import Said

OLD_VTI = "VTI-2021-03-03-200"
BUST, CORRECT = Execution.Kind.BUST, Execution.Kind.CORRECT


def make_sale(world: World) -> Order:
    make_connection(world)
    return sent(world, sell(world, "VTI", (OLD_VTI, "60"), price="300"))[0]


def sentences(world: World) -> list[str]:
    (order,) = orders(world)
    return list(explain(order, executions_of(world.firm_id, [order]).get(order.pk, [])))


def test_an_order_that_went_as_planned_needs_no_explanation(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300"))
    assert sentences(birch) == []
    assert needing_attention(birch.firm_id, since=NOW) == []


def test_a_refusal_says_whose_words_what_it_means_and_what_comes_next(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, told(order, Said.REJECTED, "no", reason="Symbol is halted."))
    assert sentences(birch) == [
        "Schwab refused the order. Its words: Symbol is halted. Nothing was traded and no lot was touched. "
        "If the account is out of its bands, the next scan proposes it again."
    ]


def test_a_refusal_without_words_says_that(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, told(order, Said.REJECTED, "no"))
    assert "gave no reason" in sentences(birch)[0]


def test_a_bust_says_what_was_taken_back_and_where_the_shares_are(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "299.99"))
    take_in(order, filled(order, "b1", "60", "299.99", kind=BUST, ref="x1"))
    [sentence] = sentences(birch)
    assert sentence.startswith("Schwab took back its fill of 60 shares at $299.99 from ")
    assert "The shares are back in the lots they came from, and the proceeds are out of the cash." in sentence


def test_a_correction_says_what_was_and_what_is(birch: Birch) -> None:
    order = make_sale(birch)
    take_in(order, filled(order, "x1", "60", "300.05"))
    take_in(order, filled(order, "c1", "60", "300.04", kind=CORRECT, ref="x1"))
    assert sentences(birch) == [
        "Schwab corrected a fill: it is 60 shares at $300.04 and not 60 shares at $300.05. Lots and cash follow."
    ]


def test_more_than_was_ordered_is_told(birch: Birch) -> None:
    make_connection(birch)
    order = sent(birch, buy("BND", "5", price="74"))[0]
    take_in(order, filled(order, "x1", "6", "74"))
    assert sentences(birch) == [
        "It filled 1 share more than were ordered. They are in the books; decide whether to keep them."
    ]


def test_the_blotter_lists_the_latest_of_this_firm_and_forgets_old_ones(birch: Birch, cedar: Cedar) -> None:
    order = make_sale(birch)
    take_in(order, told(order, Said.REJECTED, "no", reason="Halted."))
    with cedar.scope():
        theirs = make_sale(cedar)
        take_in(theirs, told(theirs, Said.REJECTED, "no", reason="Halted."))
    [shown] = needing_attention(birch.firm_id, since=NOW)
    assert (shown.id, shown.title, shown.status_label) == (order.pk, "Sell 60 VTI", "Refused by the custodian")
    assert needing_attention(birch.firm_id, since=NOW + timedelta(days=6)) == []
