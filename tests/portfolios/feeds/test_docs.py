from __future__ import annotations

import re
from pathlib import Path

import pytest

from portfolios.feeds.parse import LAYOUTS, parse

DOCS = Path(__file__).resolve().parents[3] / "docs/feeds.md"
EXAMPLES = re.findall(r"^```csv (\w+)\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("layout", "content"), EXAMPLES, ids=[layout for layout, _ in EXAMPLES])
def test_an_example_of_the_documentation_is_read_without_a_problem(layout, content):
    parsed = parse(layout, content.encode(), file_name="example.csv")
    assert (parsed.problems, parsed.row_count) == ((), content.count("\n") - 2)


def test_every_plain_layout_has_an_example():
    assert [layout for layout, _ in EXAMPLES] == [name for name in LAYOUTS if name.startswith("plain_")]
