from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from accounts.models import Account, AuditEvent, Household
from accounts.services.audit import record
from accounts.tenancy import QueryWithoutFirm, firm_ids, firm_scope
from tests.worlds import NOW, Birch, Cedar

OURS = ("accounts", "portfolios", "trading")


def tenant_tables() -> list[type[models.Model]]:
    return [
        model
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if any(field.name == "firm" for field in model._meta.fields)
    ]


def test_a_query_without_a_firm_is_refused() -> None:
    with pytest.raises(QueryWithoutFirm, match="Household belongs to a firm"):
        Household.objects.all()


def test_the_rows_of_no_firm_are_refused() -> None:
    with pytest.raises(QueryWithoutFirm):
        Household.objects.for_firm(0)


def test_every_table_of_a_firm_forces_row_level_security(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        walled = {row[0] for row in cursor.fetchall()}
    assert {model._meta.db_table for model in tenant_tables()} - walled == set()


def test_every_table_of_ours_is_a_firms_or_known_to_be_shared() -> None:
    shared = {
        model._meta.label
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if model not in tenant_tables()
    }
    assert shared == {
        "accounts.Custodian",
        "accounts.Firm",
        "accounts.User",
        "portfolios.AssetClass",
        "portfolios.FundTerms",
        "portfolios.Price",
        "portfolios.Security",
        "portfolios.TickSize",
        "portfolios.WashGroup",
        "trading.ApiCredential",
    }


def test_every_link_between_rows_of_a_firm_carries_the_firm(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'f' AND array_length(conkey, 1) = 2")
        carried = {row[0] for row in cursor.fetchall()}
    tenants = set(tenant_tables())
    wanted = {
        f"{model._meta.db_table}_{field.column}_same_firm"
        for model in tenants
        for field in model._meta.fields
        if field.is_relation and field.related_model in tenants
    }
    assert wanted - carried == set()
    assert len(wanted) > 40


def test_the_runtime_role_has_no_way_round_the_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("model", tenant_tables(), ids=lambda model: model._meta.label)
def test_another_firms_rows_cannot_be_counted(model: type[models.Model], birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        theirs = model._base_manager.filter(firm_id=cedar.firm_id).count()
    assert model._base_manager.filter(firm_id=cedar.firm_id).count() == 0
    assert theirs > 0 or model not in (Household, Account)


def test_a_row_cannot_be_written_for_another_firm(birch: Birch, cedar: Cedar) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Household.objects.for_firm(cedar.firm_id).create(name="Intruder", external_id="X")


def test_a_row_cannot_hang_on_another_firms_row(birch: Birch, cedar: Cedar) -> None:
    with pytest.raises(IntegrityError, match="same_firm"), transaction.atomic():
        Account.objects.for_firm(birch.firm_id).filter(pk=birch.account.pk).update(household_id=cedar.household.pk)


def test_outside_every_firm_nothing_is_found(birch: Birch) -> None:
    assert Household._base_manager.count() == 1
    with firm_scope(None):
        assert Household._base_manager.count() == 0


def test_the_outer_firm_is_back_after_an_inner_scope(birch: Birch, cedar: Cedar) -> None:
    with cedar.scope():
        assert Household._base_manager.get() == cedar.household
    assert Household._base_manager.get() == birch.household


def test_the_outer_firm_is_back_after_an_inner_scope_failed(birch: Birch, cedar: Cedar) -> None:
    with pytest.raises(ZeroDivisionError), cedar.scope():
        raise ZeroDivisionError
    assert Household._base_manager.get() == birch.household


def test_a_sweep_sees_the_ids_of_all_firms(birch: Birch, cedar: Cedar) -> None:
    assert firm_ids() == sorted({birch.firm_id, cedar.firm_id})


def note(firm_id: int, **payload: object) -> None:
    record(firm_id=firm_id, at=NOW, actor="a@b.example", action="TESTED", subject="test", subject_id=1, **payload)


def test_each_firms_audit_events_form_a_chain_of_their_own(birch: Birch, cedar: Cedar) -> None:
    for amount in (1, 2, 3):
        note(birch.firm_id, amount=amount)
    with cedar.scope():
        note(cedar.firm_id)
        assert [event.sequence for event in AuditEvent.objects.for_firm(cedar.firm_id)] == [1]
    events = list(AuditEvent.objects.for_firm(birch.firm_id).order_by("sequence"))
    assert [event.sequence for event in events] == [1, 2, 3]
    assert [bytes(event.previous_hash) for event in events] == [b""] + [bytes(event.hash) for event in events[:2]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_auditevent event WHERE hash <> audit_event_digest(event)")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditevent SET action = 'X'", "DELETE FROM accounts_auditevent"]
)
def test_an_audit_event_can_be_neither_changed_nor_deleted(statement: str, birch: Birch) -> None:
    note(birch.firm_id)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
