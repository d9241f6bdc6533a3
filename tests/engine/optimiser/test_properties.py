"""Laws that every decision keeps, on random books."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.engine.book import TaxStatus
from rebalancer.engine.book_rows import AccountRow, LotRow, PositionRow, WashRow
from rebalancer.engine.checks import Checker
from rebalancer.engine.fees import Side
from rebalancer.engine.lots import Relief
from rebalancer.engine.optimiser import solve
from rebalancer.engine.policy import Policy, Preset, RebalanceTo, ShortGainRule
from rebalancer.engine.triggers import MODES
from tests.engine.books import TODAY, make_book, make_securities, make_security, trades

SYMBOLS = ("VTI", "ITOT", "VEA", "BND", "OLD")
HOUSEHOLDS = ("H1", "H2")

policies = st.builds(
    Policy,
    trigger=st.sampled_from(Preset),
    rebalance_to=st.sampled_from(RebalanceTo),
    relief=st.sampled_from([relief for relief in Relief if relief is not Relief.SPECIFIC]),
    whole_shares=st.booleans(),
    adv_cap=st.sampled_from([Decimal("0.0001"), Decimal("0.05")]),
    minimum_trade_amount=st.sampled_from([Decimal(0), Decimal(100), Decimal(2500)]),
    minimum_trade_weight=st.sampled_from([Decimal(0), Decimal("0.01")]),
    commission=st.sampled_from([Decimal(0), Decimal("4.95")]),
    short_gain_rule=st.sampled_from(ShortGainRule),
)
lots = st.builds(
    lambda name, age, quantity, basis: LotRow(
        f"L{name}", TODAY - timedelta(days=age), Decimal(quantity) / 2, Decimal(quantity) / 2 * basis
    ),
    st.integers(0, 10**12),
    st.one_of(st.integers(0, 40), st.integers(0, 3000)),
    st.integers(1, 1200),
    st.integers(5, 160),
)


@st.composite
def positions(draw: st.DrawFn) -> tuple[PositionRow, ...]:
    rows = []
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True)):
        held = draw(st.lists(lots, max_size=4, unique_by=lambda lot: lot.lot_id))
        quantity = sum((lot.quantity for lot in held), Decimal(0)) + draw(st.sampled_from([0, 0, 0, 5]))
        flags = draw(st.sampled_from([{}, {}, {}, {"no_buy": True}, {"no_sell": True}, {"hold": True}]))
        rows.append(PositionRow(symbol=symbol, quantity=quantity, lots=tuple(held), **flags))
    return tuple(rows)


accounts = st.builds(
    AccountRow,
    account_id=st.integers(0, 10**12).map(str),
    positions=positions(),
    cash=st.integers(-500_000, 6_000_000).map(lambda cents: Decimal(cents) / 100),
    cash_reserve=st.sampled_from([Decimal(0), Decimal(2500)]),
    reserve_threshold=st.sampled_from([Decimal(0), Decimal(500)]),
    withdrawals_due=st.sampled_from([Decimal(0), Decimal(0), Decimal(4000)]),
    household=st.sampled_from(HOUSEHOLDS),
    tax_status=st.sampled_from(TaxStatus),
    model_id=st.just("GROWTH"),
    policy=policies,
).map(lambda row: replace(row, reserve_threshold=min(row.reserve_threshold, row.cash_reserve)))
washes = st.lists(
    st.builds(
        WashRow,
        household=st.sampled_from(HOUSEHOLDS),
        wash_group=st.sampled_from(["TOTAL", "VEA", "BND"]),
        sold_at_loss_on=st.none() | st.integers(0, 60).map(lambda days: TODAY - timedelta(days=days)),
        bought_on=st.none() | st.integers(0, 60).map(lambda days: TODAY - timedelta(days=days)),
    ),
    unique_by=lambda row: (row.household, row.wash_group),
    max_size=3,
)
SECURITIES = make_securities(
    VTI=make_security("VTI", "100.37", asset_class="US equity", wash_group="TOTAL", fractional=True),
    ITOT=make_security("ITOT", "50.11", asset_class="US equity", wash_group="TOTAL", fractional=True),
    BND=make_security("BND", "80.25", asset_class="US bonds", lot_size=5),
)


def book_of(rows, wash=()):
    households = {row.household for row in rows}
    known = [row for row in wash if row.household in households]
    return make_book(*rows, securities=SECURITIES, wash=known)


@settings(max_examples=50, deadline=None)
@given(st.lists(accounts, min_size=1, max_size=4, unique_by=lambda row: row.account_id), washes, st.data())
def test_every_decision_passes_the_checks(rows, wash, data):
    book = book_of(rows, wash)
    modes = data.draw(st.lists(st.integers(0, len(MODES) - 1), min_size=len(rows), max_size=len(rows)))
    assert Checker(book).check_all(solve(book, modes=modes)) == {}


@settings(max_examples=20, deadline=None)
@given(accounts, st.randoms(use_true_random=False))
def test_the_order_of_lots_and_positions_does_not_matter(row, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items)))

    other = replace(row, positions=shuffled([replace(held, lots=shuffled(held.lots)) for held in row.positions]))
    ours, theirs = solve(book_of([row]))[0], solve(book_of([other]))[0]
    assert {trade.symbol: trade for trade in ours.trades} == {trade.symbol: trade for trade in theirs.trades}


@settings(max_examples=20, deadline=None)
@given(accounts)
def test_splitting_a_lot_changes_no_quantity(row):
    def halves(lot):
        half = lot.quantity / 2
        return (
            replace(lot, lot_id=lot.lot_id + "a", quantity=half, cost_basis=lot.cost_basis / 2),
            replace(lot, lot_id=lot.lot_id + "b", quantity=half, cost_basis=lot.cost_basis / 2),
        )

    row = replace(
        row,
        positions=tuple(
            replace(held, lots=held.lots[:1], quantity=sum((lot.quantity for lot in held.lots[:1]), Decimal(0)))
            for held in row.positions
        ),
    )
    other = replace(
        row,
        positions=tuple(
            replace(held, lots=tuple(half for lot in held.lots for half in halves(lot))) for held in row.positions
        ),
    )
    assert trades(solve(book_of([row]))[0]) == trades(solve(book_of([other]))[0])


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 50), st.integers(50, 800), st.integers(50, 800), st.integers(0, 400))
def test_scaling_an_account_scales_its_trades_but_for_rounding(factor, equity, bonds, cash):
    def decide(times):
        held = [("VTI", equity), ("BND", bonds)]
        rows = tuple(
            PositionRow(
                symbol=symbol,
                quantity=Decimal(shares * times),
                lots=(LotRow("L", TODAY - timedelta(days=900), Decimal(shares * times), Decimal(shares * times * 70)),),
            )
            for symbol, shares in held
        )
        account = AccountRow(
            account_id="A",
            positions=rows,
            cash=Decimal(cash * 100 * times),
            model_id="GROWTH",
            policy=Policy(trigger=Preset.THRESHOLD, minimum_trade_amount=Decimal(0)),
        )
        return trades(solve(make_book(account))[0])

    small, large = decide(1), decide(factor)
    for symbol in {*small, *large}:
        assert abs(small.get(symbol, 0) * factor - large.get(symbol, 0)) <= 2 * factor


@settings(max_examples=20, deadline=None)
@given(accounts)
def test_drift_never_grows_where_no_cash_had_to_be_raised(row):
    row = replace(row, cash=abs(row.cash) + 3000, withdrawals_due=Decimal(0))
    decision = solve(book_of([row]))[0]
    assert decision.drift_after <= decision.drift_before + float(decision.cost) / float(decision.value or 1) + 1e-9


@settings(max_examples=20, deadline=None)
@given(accounts)
def test_cash_after_is_cash_before_and_what_the_trades_bring_and_cost(row):
    decision = solve(book_of([row]))[0]
    flows = [trade.amount if trade.side is Side.SELL else -trade.amount for trade in decision.trades]
    assert decision.cash_after == decision.cash_before + sum(flows) - decision.cost


def test_with_parts_of_a_share_a_sale_that_pays_a_commission_raises_just_the_cash_that_is_missing():
    policy = Policy(
        trigger=Preset.CALENDAR,
        minimum_trade_amount=Decimal(2500),
        relief=Relief.FIFO,
        whole_shares=False,
        commission=Decimal("4.95"),
    )
    lot = LotRow("L0", TODAY, Decimal(260), Decimal(1300))
    row = AccountRow(
        account_id="0",
        positions=(PositionRow(symbol="ITOT", quantity=Decimal(260), lots=(lot,)),),
        cash_reserve=Decimal(2500),
        withdrawals_due=Decimal(4000),
        household="H1",
        model_id="GROWTH",
        policy=policy,
    )
    decision = solve(book_of([row]))[0]
    assert [trade.symbol for trade in decision.trades] == ["ITOT"]
    assert Decimal(6500) <= decision.cash_after <= Decimal("6500.50")
