from __future__ import annotations

from rebalancer.demo.securities import ASSET_CLASSES, SECURITIES, WASH_GROUPS


def check_digit(cusip: str) -> int:
    """The ninth character of a CUSIP, from the first eight (modulus 10, double add double)."""
    total = 0
    for place, character in enumerate(cusip[:8]):
        value = int(character, 36) * (1 + place % 2)
        total += value // 10 + value % 10
    return -total % 10


def test_every_cusip_has_its_check_digit():
    for security in SECURITIES:
        if security.cusip:
            assert int(security.cusip[8]) == check_digit(security.cusip), security.symbol


def test_symbols_and_cusips_are_unique_and_classes_and_groups_are_listed():
    cusips = [security.cusip for security in SECURITIES if security.cusip]
    assert len(set(cusips)) == len(cusips)
    assert len({security.symbol for security in SECURITIES}) == len(SECURITIES)
    assert {security.asset_class for security in SECURITIES} == {known.code for known in ASSET_CLASSES}
    assert {security.wash_group for security in SECURITIES} == {group.code for group in WASH_GROUPS}


def test_funds_on_the_same_index_are_one_group_and_funds_on_others_are_not():
    group = {security.symbol: security.wash_group for security in SECURITIES}
    assert group["SPY"] == group["VOO"] == group["IVV"]
    assert len({group["VTI"], group["ITOT"], group["SCHB"], group["SPY"]}) == 4
