"""Bars as SVG: what they say in words, and that they need neither script nor inline style."""

from xml.etree import ElementTree

import pytest

from portfolios.charts import Bullet, Slice, allocation_bars, bullet_bar, drift_bar, scale_for, sparkline

EQUITY = Bullet(label="US equity", target=0.6, low=0.55, high=0.65, current=0.662, proposed=0.6)
DRAWINGS = [
    pytest.param(bullet_bar(EQUITY), id="bullet"),
    pytest.param(allocation_bars([Slice("Equity", 0.7, 0.6), Slice("Bonds", 0.3, 0.4)]), id="allocation"),
    pytest.param(drift_bar(0.062, 0.004, 0.05), id="drift"),
    pytest.param(sparkline([0.01, 0.03, 0.06], limit=0.05), id="sparkline"),
]


@pytest.mark.parametrize("svg", DRAWINGS)
def test_a_drawing_is_well_formed_and_carries_no_style_and_no_script(svg):
    elements = list(ElementTree.fromstring(svg).iter())
    assert [e for e in elements if e.tag in ("style", "script") or "style" in e.attrib] == []


def test_a_bullet_says_in_words_what_it_draws():
    description = ElementTree.fromstring(bullet_bar(EQUITY)).findtext("desc")
    assert description == "Now 66.2%, outside the band of 55.0% to 65.0%; target 60.0%; proposed 60.0%."


def test_a_bullet_escapes_a_name_that_came_from_outside():
    svg = bullet_bar(Bullet(label='<b onload="x">', target=0.1, low=0, high=0.2, current=0.1))
    assert ElementTree.fromstring(svg).findtext("title") == '<b onload="x">'


def test_a_band_that_ends_before_it_starts_cannot_be_built():
    with pytest.raises(ValueError, match="US equity"):
        Bullet(label="US equity", target=0.6, low=0.65, high=0.55, current=0.6)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param([0.02], 0.05, id="a small class gets a short axis"),
        pytest.param([0.662, 0.65], 0.75, id="air above the largest"),
        pytest.param([1.2], 1.0, id="never more than the whole"),
        pytest.param([], 0.05, id="nothing to show"),
    ],
)
def test_one_axis_serves_all_rows_of_a_table(weights, expected):
    assert scale_for(weights) == expected


def test_one_reading_is_no_line():
    assert sparkline([0.01]) == ""
