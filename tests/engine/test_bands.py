"""Tolerance bands: where they end, and that the end itself is tolerated."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rebalancer.engine.bands import Band, BandKind, band, narrower

ABSOLUTE, RELATIVE = BandKind.ABSOLUTE, BandKind.RELATIVE


def make_band(lower, upper) -> Band:
    return Band(Decimal(lower), Decimal(upper))


@pytest.mark.parametrize(
    ("target", "width", "kind", "expected"),
    [
        pytest.param("0.60", "0.05", ABSOLUTE, ("0.55", "0.65"), id="absolute"),
        pytest.param("0.60", "0.20", RELATIVE, ("0.48", "0.72"), id="relative"),
        pytest.param("0.03", "0.05", ABSOLUTE, ("0", "0.08"), id="never below nothing"),
        pytest.param("0.97", "0.05", ABSOLUTE, ("0.92", "1"), id="never above everything"),
        pytest.param("0.00", "0.05", ABSOLUTE, ("0", "0.05"), id="an absolute band around nothing"),
        pytest.param("0.00", "0.20", RELATIVE, ("0", "0"), id="a relative band around nothing has no width"),
    ],
)
def test_a_band_lies_around_its_target(target, width, kind, expected):
    assert band(Decimal(target), Decimal(width), kind) == make_band(*expected)


@pytest.mark.parametrize(
    ("weight", "breached"),
    [
        pytest.param("0.65", False, id="the upper edge is tolerated"),
        pytest.param("0.55", False, id="the lower edge is tolerated"),
        pytest.param("0.650001", True, id="just above is not"),
        pytest.param("0.549999", True, id="just below is not"),
        pytest.param("0.60", False, id="the target is"),
    ],
)
def test_only_a_weight_strictly_beyond_an_edge_triggers(weight, breached):
    assert make_band("0.55", "0.65").breached_by(Decimal(weight)) is breached


def test_of_two_bands_the_nearer_edges_count():
    absolute, relative = band(Decimal("0.1"), Decimal("0.05"), ABSOLUTE), band(Decimal("0.1"), Decimal("0.2"), RELATIVE)
    assert narrower(absolute, relative) == relative == make_band("0.08", "0.12")


@pytest.mark.parametrize(("target", "width"), [("-0.1", "0.05"), ("1.1", "0.05"), ("0.5", "-0.05")])
def test_a_band_that_cannot_be_is_refused(target, width):
    with pytest.raises(ValueError, match="A band needs"):
        band(Decimal(target), Decimal(width), ABSOLUTE)
