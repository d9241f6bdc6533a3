from __future__ import annotations

from accounts.models import Household
from accounts.services.upsert import Outcome, Table, insert_once, upsert
from tests.worlds import Birch, Cedar

TABLE = Table("accounts_household", {"external_id": "varchar"}, {"name": "varchar", "adviser_id": "bigint"})
ROWS = [("A-1", "Ash", None), ("A-2", "Aspen", None)]


def names(world: Birch) -> dict[str, str]:
    rows = Household.objects.for_firm(world.firm_id).filter(external_id__startswith="A-")
    return dict(rows.values_list("external_id", "name"))


def test_upsert_creates_then_leaves_alone_then_updates_each_row_by_itself(birch: Birch) -> None:
    assert upsert(TABLE, birch.firm_id, ROWS) == [Outcome.CREATED, Outcome.CREATED]
    assert upsert(TABLE, birch.firm_id, ROWS) == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    changed = [("A-2", "Alder", None), ("A-1", "Ash", None), ("A-3", "Apple", None)]
    assert upsert(TABLE, birch.firm_id, changed) == [Outcome.UPDATED, Outcome.UNCHANGED, Outcome.CREATED]
    assert names(birch) == {"A-1": "Ash", "A-2": "Alder", "A-3": "Apple"}


def test_insert_once_never_changes_what_is_there(birch: Birch) -> None:
    upsert(TABLE, birch.firm_id, ROWS)
    outcomes = insert_once(TABLE, birch.firm_id, [("A-1", "Other", None), ("A-2", "Aspen", None), ("A-3", "New", None)])
    assert outcomes == [Outcome.CONFLICT, Outcome.UNCHANGED, Outcome.CREATED]
    assert names(birch) == {"A-1": "Ash", "A-2": "Aspen", "A-3": "New"}


def test_a_stamp_that_moves_on_is_written_but_is_no_change(birch: Birch) -> None:
    table = Table("accounts_household", {"external_id": "varchar"}, {}, stamps={"name": "varchar"})
    upsert(table, birch.firm_id, [("A-1", "Monday")])
    assert upsert(table, birch.firm_id, [("A-1", "Tuesday")]) == [Outcome.UNCHANGED]
    assert names(birch) == {"A-1": "Tuesday"}


def test_the_same_key_in_two_firms_is_two_rows(birch: Birch, cedar: Cedar) -> None:
    upsert(TABLE, birch.firm_id, ROWS)
    with cedar.scope():
        assert upsert(TABLE, cedar.firm_id, [("A-1", "Cedar's own", None)]) == [Outcome.CREATED]
        assert names(cedar) == {"A-1": "Cedar's own"}
    assert names(birch) == {"A-1": "Ash", "A-2": "Aspen"}


def test_no_rows_are_no_statement(birch: Birch, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert upsert(TABLE, birch.firm_id, []) == []


def test_three_hundred_rows_take_one_statement_as_one_does(birch: Birch, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        upsert(TABLE, birch.firm_id, [(f"A-{number}", "Many", None) for number in range(300)])
