"""Wash sales: which losses are disallowed, and which shares take them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import NotEnoughShares, Term
from rebalancer.engine.money import total
from rebalancer.engine.wash_sales.records import Origin, Purchase, Sale, WashPolicy
from tests.engine.wash_sales.families import FAMILY, bought, on, sold, washed
from tests.engine.wash_sales.share_by_share import tell

LOSS = sold("s", 100, 6, o=100)
OLD = bought("o", 0)


def disallowed(*purchases, sales=(LOSS,), **more):
    return washed([OLD, *purchases], sales, **more).household.disallowed()


@pytest.mark.parametrize(
    ("days", "washes"),
    [(-31, False), (-30, True), (-1, True), (0, True), (30, True), (31, False)],
)
def test_the_window_is_thirty_days_on_either_side(days, washes):
    assert disallowed(bought("n", 100 + days)) == (400 if washes else 0)


@pytest.mark.parametrize(
    ("kind", "disallows", "lost"),
    [
        pytest.param("own", 400, 0, id="in the same account"),
        pytest.param("other", 400, 0, id="at another custodian"),
        pytest.param("spouse", 400, 0, id="by the spouse"),
        pytest.param("ira", 400, 400, id="in an IRA, for good"),
        pytest.param("hsa", 400, 400, id="in a health savings account, as in an IRA"),
    ],
)
def test_a_loss_is_disallowed_by_a_purchase(kind, disallows, lost):
    household = washed([OLD, bought("n", 105, account=kind)], [LOSS]).household
    assert (household.disallowed(), household.permanently_lost()) == (disallows, lost)
    (left,) = household.open_lots
    assert left.cost_basis == 1000 + disallows - lost


@pytest.mark.parametrize("origin", [Origin.GIFT, Origin.INHERITANCE, Origin.TRANSFER])
def test_what_was_not_bought_replaces_nothing(origin):
    assert disallowed(bought("n", 105, origin=origin)) == 0


@pytest.mark.parametrize("origin", [Origin.REINVESTMENT, Origin.VESTING, Origin.CONTRACT, Origin.AUTOMATIC_PLAN])
def test_shares_that_came_in_otherwise_replace_too(origin):
    assert disallowed(bought("n", 105, quantity=25, origin=origin)) == 100


def test_a_reinvested_dividend_disallows_its_own_share_of_the_loss():
    dividend = replace(bought("d", 110), quantity=Decimal("1.5"), origin=Origin.REINVESTMENT)
    assert disallowed(dividend) == 6


def test_the_replacement_takes_basis_and_holding_period_in_a_part_of_its_own():
    household = washed([OLD, bought("n", 110, quantity=250)], [LOSS]).household
    taken, untouched = household.open_lots
    assert (taken.quantity, taken.cost_basis, taken.acquired_on) == (100, 1400, on(110 - 100))
    assert (untouched.quantity, untouched.cost_basis, untouched.acquired_on) == (150, 1500, on(110))
    assert (taken.replaces, untouched.replaces) == ("o", "")


def test_the_earlier_loss_is_washed_first_and_a_share_replaces_only_one():
    purchases = [bought("a", 0), bought("b", 1), bought("n", 112)]
    household = washed(purchases, [sold("s2", 105, 2, b=100), sold("s1", 100, 6, a=100)]).household
    assert (household.disallowed("s1"), household.disallowed("s2")) == (400, 0)


def test_losses_of_one_moment_go_by_original_acquisition():
    purchases = [bought("late", 1, per_share=20), bought("early", 0), bought("n", 112)]
    household = washed(purchases, [sold("s", 105, 6, late=100, early=100)]).household
    assert [(d.lot_id, d.disallowed) for d in household.disposals] == [("early", 400), ("late", 0)]


def test_replacements_are_taken_in_order_of_acquisition():
    purchases = [OLD, bought("after", 103, 60), bought("before", 90, 30), bought("later", 104, 60)]
    (row,) = washed(purchases, [LOSS]).household.disposals
    assert [(r.lot_id, r.quantity) for r in row.replacements] == [("before", 30), ("after", 60), ("later", 10)]


def test_an_adjusted_basis_decides_whether_a_later_sale_is_a_loss():
    """Publication 550 gives the basis; that it then counts for the next sale makes the chain."""
    purchases = [bought("a", 0, per_share=100), bought("b", 36, per_share=90), bought("c", 70, per_share=92)]
    household = washed(purchases, [sold("s1", 28, 88, a=100), sold("s2", 63, 93, b=100)]).household
    assert [d.gain for d in household.disposals] == [-1200, -900]
    (left,) = household.open_lots
    assert (left.cost_basis, left.acquired_on, left.replaces) == (10100, on(70 - 63 + 36 - 28), "b")


def test_a_lot_does_not_wash_itself():
    assert washed([bought("o", 90, 200)], [LOSS]).household.disallowed() == 0


def test_lots_of_one_order_do_not_wash_each_other():
    """Rev. Rul. 56-602: a holding bought at once is only reduced."""
    pieces = [bought("o", 90, order_id="A"), bought("p", 90, order_id="A")]
    assert washed(pieces, [LOSS]).household.disallowed() == 0
    assert washed([replace(piece, order_id="") for piece in pieces], [LOSS]).household.disallowed() == 400


@pytest.mark.parametrize(("policy", "expected"), [(WashPolicy(), 0), (WashPolicy(same_day_sales_wash=True), 400)])
def test_two_lots_sold_on_one_day_wash_each_other_only_by_policy(policy, expected):
    purchases, sales = [bought("o", 80), bought("p", 90)], [LOSS, sold("t", 100, 12, p=100)]
    assert washed(purchases, sales, policy=policy).household.disallowed() == expected


def test_what_is_bought_after_a_loss_of_the_same_day_replaces_it_even_if_sold_again():
    again = replace(bought("p", 100, sequence=2))
    sales = [replace(LOSS, sequence=1), replace(sold("t", 100, 12, p=100), sequence=3)]
    household = washed([OLD, again], sales).household
    assert [(d.lot_id, d.gain, d.disallowed) for d in household.disposals] == [("o", -400, 400), ("p", -200, 0)]


def test_shares_sold_before_the_loss_replace_nothing():
    purchases = [OLD, bought("p", 90)]
    assert washed(purchases, [sold("t", 95, 12, p=100), LOSS]).household.disallowed() == 0
    assert washed(purchases, [sold("t", 95, 12, p=60), LOSS]).household.disallowed() == 160


@pytest.mark.parametrize(("policy", "expected"), [(WashPolicy(), 400), (WashPolicy(earlier_shares_wash=False), 0)])
def test_retained_shares_bought_before_the_shares_sold_wash_by_policy(policy, expected):
    purchases = [bought("kept", 80), bought("o", 90)]
    assert washed(purchases, [LOSS], policy=policy).household.disallowed() == expected


def test_a_firm_may_leave_the_spouses_basis_alone():
    policy = WashPolicy(related_basis_moves=False)
    household = washed([OLD, bought("n", 105, account="spouse")], [LOSS], policy=policy).household
    assert (household.permanently_lost(), household.open_lots[0].cost_basis) == (400, 1000)


def test_a_firm_may_leave_unruled_plans_out():
    policy = WashPolicy(unruled_plans_wash=False)
    assert disallowed(bought("n", 105, account="hsa"), policy=policy) == 0
    assert disallowed(bought("n", 105, account="ira"), policy=policy) == 400


def test_a_loss_within_a_plan_is_no_loss():
    household = washed([bought("o", 0, account="ira"), bought("n", 105)], [LOSS]).household
    assert (household.disallowed(), household.open_lots[0].cost_basis) == (0, 1000)


def test_a_gain_is_never_washed():
    assert disallowed(bought("n", 105), sales=[sold("s", 100, 12, o=100)]) == 0


def test_the_term_follows_the_holding_period_that_was_taken_over():
    purchases = [bought("o", -400), bought("n", 105)]
    household = washed(purchases, [LOSS, sold("t", 140, 20, n=100)]).household
    assert [d.term for d in household.disposals] == [Term.LONG, Term.LONG]
    assert household.disposals[1].gain == 600


def test_inherited_shares_are_long_term():
    purchases = [bought("o", 90, origin=Origin.INHERITANCE)]
    assert washed(purchases, [LOSS]).household.disposals[0].term is Term.LONG


@pytest.mark.parametrize(
    ("purchases", "sales", "sentence"),
    [
        ([OLD], [sold("s", 10, 5, o=101)], "holds 100"),
        ([OLD], [sold("s", 10, 5, other=1)], "not known"),
        ([bought("o", 11)], [sold("s", 10, 5, o=1)], "before they were bought"),
        ([OLD, OLD], [], "same lot id"),
        ([bought("o", 0, account="stranger")], [], "stranger"),
    ],
)
def test_impossible_books_are_refused(purchases, sales, sentence):
    with pytest.raises(ValueError, match=sentence):
        washed(purchases, sales)


def test_a_sale_of_more_than_the_lot_is_named():
    with pytest.raises(NotEnoughShares):
        washed([OLD], [sold("s", 10, 5, o=101)])


@st.composite
def families(draw):
    """Whole shares at whole dollars a share, in a few accounts; sales take what lots still hold."""
    accounts = st.sampled_from(["own", "spouse", "ira"])
    rows = draw(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 9), st.integers(1, 9), accounts), max_size=9))
    blocks = st.sampled_from(["", "", "", "A"])
    purchases = [bought(f"l{n}", d, q, p, a, order_id=draw(blocks)) for n, (d, q, p, a) in enumerate(rows)]
    left = {p.lot_id: int(p.quantity) for p in purchases}
    sales = []
    for n in range(draw(st.integers(0, 8)) if purchases else 0):
        lot = draw(st.sampled_from(purchases))
        if left[lot.lot_id]:
            quantity = draw(st.integers(1, left[lot.lot_id]))
            left[lot.lot_id] -= quantity
            day = draw(st.integers((lot.bought_on - on(0)).days, 150))
            sales.append(sold(f"s{n:02}", day, draw(st.integers(1, 9)), **{lot.lot_id: quantity}))
    return purchases, sales


POLICIES = st.builds(WashPolicy, earlier_shares_wash=st.booleans(), same_day_sales_wash=st.booleans())


@given(families(), POLICIES)
def test_it_agrees_with_the_rule_told_share_by_share(family, policy):
    purchases, sales = family
    household = washed(purchases, sales, policy=policy).household
    told = tell(purchases, sales, {account.account_id: account.kind for account in FAMILY}, policy)
    for figure, expected in (("disallowed", told.disallowed), ("permanently_lost", told.lost)):
        found: dict[tuple[str, str], Decimal] = {}
        for row in household.disposals:
            key = (row.sale_id, row.lot_id)
            found[key] = found.get(key, Decimal(0)) + getattr(row, figure)
        assert {key: amount for key, amount in found.items() if amount} == expected
    left = [
        (lot.lot_id, lot.cost_basis / lot.quantity, lot.acquired_on)
        for lot in household.open_lots
        for _ in range(int(lot.quantity))
    ]
    assert sorted(left) == told.left


CENTS = st.decimals("0.01", "5000", places=2)
SHARES = st.decimals("0.000001", "900", places=6)


@st.composite
def uneven_families(draw):
    """Fractions of shares at amounts in cents."""
    days = st.integers(0, 90)
    accounts = st.sampled_from(["own", "other", "spouse", "ira"])
    purchases = [
        Purchase(f"l{n}", draw(accounts), "X", on(draw(days)), draw(SHARES), draw(CENTS))
        for n in range(draw(st.integers(1, 7)))
    ]
    sales = []
    for n, lot in enumerate(purchases):
        if draw(st.booleans()):
            part = draw(st.integers(1, int(lot.quantity * 1_000_000)))
            quantity = Decimal(part).scaleb(-6)
            sales.append(
                Sale(f"s{n}", lot.bought_on + timedelta(days=draw(days)), ((lot.lot_id, quantity),), draw(CENTS))
            )
    return purchases, sales


@given(uneven_families())
def test_a_washed_loss_is_only_moved_unless_it_is_lost(family):
    purchases, sales = family
    household = washed(purchases, sales).household
    spent, received = total([p.cost for p in purchases]), total([s.proceeds for s in sales])
    kept = total([lot.cost_basis for lot in household.open_lots])
    assert household.recognised() == received - spent + kept + household.permanently_lost()


@given(uneven_families())
def test_no_more_is_disallowed_than_was_lost(family):
    for row in washed(*family).household.disposals:
        assert 0 <= row.permanently_lost <= row.disallowed <= max(Decimal(0), -row.gain)
        assert total([r.quantity for r in row.replacements]) <= row.quantity


@given(uneven_families())
def test_a_share_replaces_only_one_share(family):
    purchases, sales = family
    used: dict[str, Decimal] = {}
    for row in washed(purchases, sales).household.disposals:
        for replacement in row.replacements:
            used[replacement.lot_id] = used.get(replacement.lot_id, Decimal(0)) + replacement.quantity
    assert all(used.get(p.lot_id, 0) <= p.quantity for p in purchases)


@given(uneven_families(), st.integers(-3000, 3000))
def test_shifting_every_date_changes_no_amount(family, days):
    purchases, sales = family
    shift = timedelta(days=days)
    moved = washed(
        [replace(p, bought_on=p.bought_on + shift) for p in purchases],
        [replace(s, sold_on=s.sold_on + shift) for s in sales],
    ).household
    here = washed(purchases, sales).household
    amounts = [(d.lot_id, d.quantity, d.gain, d.disallowed, d.permanently_lost) for d in here.disposals]
    assert [(d.lot_id, d.quantity, d.gain, d.disallowed, d.permanently_lost) for d in moved.disposals] == amounts
    assert [lot.acquired_on - shift for lot in moved.open_lots] == [lot.acquired_on for lot in here.open_lots]


@given(uneven_families())
def test_the_order_in_which_records_come_changes_nothing(family):
    purchases, sales = family
    if len({p.bought_on for p in purchases}) == len(purchases):
        assert washed(purchases[::-1], sales[::-1]).household == washed(purchases, sales).household
