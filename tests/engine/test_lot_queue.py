"""A queue of lots gives what sorting them would, whatever comes and goes between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lot_orders import OpenLot, dearest
from rebalancer.engine.lot_queue import LotQueue

STEPS = st.lists(st.sampled_from(["add", "add", "drop", "halve", "keep"]), max_size=60)


def key(lot: OpenLot) -> tuple[int, int, str]:
    return dearest(lot), lot.since, lot.lot_id


@given(STEPS, st.randoms(use_true_random=False))
def test_the_head_is_the_first_in_order(steps, dice):
    queue, lots = LotQueue(dearest), []
    for at, step in enumerate(steps):
        head = queue.head()
        if step == "add":
            lots.append(OpenLot(f"{at}", dice.randint(1, 5), 0, dice.randint(1, 9), dice.randint(0, 99)))
            queue.add(lots[-1])
        elif step == "keep":
            queue.keep(lambda lot: lot.quantity % 3 > 0)
            lots = [lot for lot in lots if lot.quantity % 3 > 0]
        elif head and step == "drop":
            queue.drop_head()
            lots.remove(head)
        elif head and step == "halve":
            head.cost = dice.randint(0, 99)
            queue.moved_head()
        assert (queue.head(), len(queue)) == (min(lots, key=key, default=None), len(lots))
