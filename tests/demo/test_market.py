from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from rebalancer.demo.market import STALE_SESSIONS, correlation_matrix, make_market, quotes
from rebalancer.demo.securities import SECURITIES, STALE_SYMBOL

AS_OF = date(2026, 11, 20)


@pytest.fixture(scope="module")
def market():
    return make_market(7, AS_OF)


def daily_moves(market, symbol):
    return np.diff(np.log(market.closes[:, market.columns[symbol]]))


def test_correlations_are_those_of_a_possible_market():
    matrix = correlation_matrix()
    assert (matrix == matrix.T).all()
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_ten_years_of_sessions_end_on_the_day(market):
    assert market.sessions[-1] == AS_OF
    assert AS_OF - market.sessions[0] < timedelta(days=3654)
    assert 2500 < len(market.sessions) < 2530


@pytest.mark.parametrize(("symbol", "volatility"), [("VTI", 0.175), ("VWO", 0.192), ("BND", 0.055), ("GLD", 0.150)])
def test_volatilities_are_those_it_is_calibrated_to(market, symbol, volatility):
    assert daily_moves(market, symbol).std() * np.sqrt(252) == pytest.approx(volatility, rel=0.06)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("VTI", "VEA", 0.86), ("VTI", "BND", 0.14), ("SPY", "VOO", 1.0), ("GLD", "IAU", 1.0)]
)
def test_correlations_are_those_it_is_calibrated_to(market, one, other, expected):
    found = np.corrcoef(daily_moves(market, one), daily_moves(market, other))[0, 1]
    assert found == pytest.approx(expected, abs=0.06)


def test_quotes_are_a_bid_below_an_ask_around_a_known_close(market):
    for quote in quotes(market):
        assert 0 < quote.bid <= quote.close <= quote.ask
    assert [quote.symbol for quote in quotes(market)] == [security.symbol for security in SECURITIES]


def test_one_security_has_a_price_that_is_days_old(market):
    stale = {quote.symbol for quote in quotes(market) if quote.priced_on != AS_OF}
    assert stale == {STALE_SYMBOL}
    assert market.sessions[market.priced_at(STALE_SYMBOL)] == market.sessions[-1 - STALE_SESSIONS]
