from __future__ import annotations

import numpy as np

from trading.benchmarks.synthetic import Size, synthetic_book


def test_accounts_hold_their_model_and_some_more_in_so_many_lots():
    book = synthetic_book(Size(accounts=40), seed=1)
    assert len(book) == 40
    assert book.households == 20
    assert np.diff(book.positions.offsets).mean() > 14
    assert np.diff(book.lots.offsets).max() == 4
    assert (book.lots.quantity % 1_000_000 == 0).all()


def test_models_have_from_the_fewest_to_the_most_assets():
    book = synthetic_book(Size(accounts=40, assets=(12, 20), a_household=1), seed=1)
    assert np.diff(book.models.offsets).tolist() == list(range(12, 21))
    assert len(set(book.accounts.model.tolist())) > 4
