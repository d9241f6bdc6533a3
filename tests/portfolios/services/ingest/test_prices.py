from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolios.models import FirmPrice
from portfolios.services import ingest
from tests.portfolios.services.ingest.records import make_batch, make_price_record
from tests.worlds import Birch, Cedar


def test_a_close_alone_is_bid_and_ask_too_and_takes_the_newest_volume_known(birch: Birch, cedar: Cedar) -> None:
    ingest.apply_prices(make_batch(birch), [make_price_record()])
    price = FirmPrice.objects.for_firm(birch.firm_id).get()
    assert (price.close, price.bid, price.ask, price.adv_shares) == (*[Decimal(301)] * 3, 3_000_000)
    with cedar.scope():
        assert not FirmPrice.objects.for_firm(cedar.firm_id).exists()


def test_a_later_price_of_the_day_corrects_the_earlier(birch: Birch) -> None:
    results = [ingest.apply_prices(make_batch(birch), [make_price_record(close)]) for close in ("301", "301", "302")]
    assert [one.outcome.value for result in results for one in result.records] == ["CREATED", "UNCHANGED", "UPDATED"]
    assert FirmPrice.objects.for_firm(birch.firm_id).get().close == Decimal(302)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"symbol": "ZZZZ"}, "UNKNOWN_SECURITY", id="a security that nobody knows"),
        pytest.param({"currency": "EUR"}, "BAD_VALUE", id="another currency"),
        pytest.param({"close": Decimal(0)}, "BAD_VALUE", id="no price at all"),
        pytest.param({"bid": Decimal(302), "ask": Decimal(301)}, "BAD_VALUE", id="a crossed quote"),
    ],
)
def test_a_price_that_cannot_be_kept_is_rejected(birch: Birch, change: dict[str, Any], code: str) -> None:
    result = ingest.apply_prices(make_batch(birch), [make_price_record(**change)])
    assert [(one.outcome.value, one.code) for one in result.records] == [("REJECTED", code)]
