"""However a file is damaged, it is read, or refused with a sentence; it never breaks the reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.feeds.parse import parse
from portfolios.feeds.records import Refused
from tests.portfolios.feeds.samples import STATEMENT, make_fidelity, make_flex, make_plain, make_schwab

LOTS = make_plain(
    "as_of,account_number,symbol,lot_id,acquired_on,quantity,cost_basis", "2026-11-20,A1,VTI,L1,2020-03-02,10,1500.00"
)
FILES = (
    ("schwab_positions", make_schwab()),
    ("fidelity_positions", make_fidelity()),
    ("fidelity_positions", STATEMENT.encode()),
    ("ibkr_flex", make_flex()),
    ("plain_lots", LOTS),
)
DAMAGE = st.tuples(
    st.floats(0, 1), st.integers(0, 40), st.sampled_from([b"", b",", b'"', b"\n", b"-", b"=1+1", b"\xff"])
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(file=st.sampled_from(FILES), damages=st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_with_a_sentence(file, damages):
    layout, content = file
    for place, cut, inserted in damages:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + cut :]
    try:
        sentences = [problem.sentence for problem in parse(layout, content, file_name="f").problems]
    except Refused as refused:
        sentences = [str(refused)]
    assert all(sentence.endswith(".") and len(sentence) < 500 for sentence in sentences)
