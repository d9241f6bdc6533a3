from __future__ import annotations

from django.db import connection, models
from django.db.models.sql import InsertQuery

from trading.models import ProposalAccount
from trading.models.documents import DocumentField


def test_migrations_see_a_json_field():
    _, path, _, options = DocumentField(default=dict).deconstruct()
    assert (path, options) == ("django.db.models.JSONField", {"default": dict})


def test_many_rows_are_written_value_by_value_and_not_as_arrays():
    rows: list[models.Model] = [
        ProposalAccount(firm_id=1, proposal_id=1, account_id=place, model_version_id=1) for place in (1, 2)
    ]
    query = InsertQuery(ProposalAccount)
    query.insert_values([field for field in ProposalAccount._meta.concrete_fields if not field.primary_key], rows)
    ((statement, _),) = query.get_compiler(connection=connection).as_sql()
    assert "UNNEST" not in statement
    assert isinstance(ProposalAccount._meta.get_field("scenarios"), models.JSONField)
