"""Migration operations that put the wall of row-level security around tenant tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Init-plan form: PostgreSQL evaluates the setting once a query, not once a row.
CURRENT_FIRM = "(SELECT nullif(current_setting('app.firm_id', true), '')::bigint)"
CURRENT_USER = "(SELECT nullif(current_setting('app.user_id', true), '')::bigint)"


def runtime_role() -> str:
    return str(settings.DATABASES["default"]["USER"])


def tenant_parents(model: type[models.Model]) -> Iterator[tuple[str, str]]:
    """(column, parent table) of every foreign key of the model that leads to a tenant table."""
    for field in model._meta.concrete_fields:
        parent = field.related_model if isinstance(field, models.ForeignKey) else None
        if not isinstance(parent, type):
            continue
        if any(column.name == "firm" for column in parent._meta.concrete_fields):
            yield str(field.column), parent._meta.db_table


class ProtectTenants(Operation):
    """Force row-level security on tables, and make every link between tenant rows carry the firm.

    `also_visible` adds, for a model, rows that may be read before a firm is chosen (an SQL condition).
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, models: list[str], also_visible: Mapping[str, str] | None = None) -> None:
        self.models = models
        self.also_visible = dict(also_visible or {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        found = [to_state.apps.get_model(app_label, name) for name in self.models]
        for model in found:
            table = model._meta.db_table
            schema_editor.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_firm_id_id" UNIQUE (firm_id, id)')
        for model in found:
            for statement in self._statements(model):
                schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for name in self.models:
            table = from_state.apps.get_model(app_label, name)._meta.db_table
            schema_editor.execute(f'DROP POLICY firm ON "{table}"')
            schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY')
            schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_firm_id_id" CASCADE')

    def _statements(self, model: type[models.Model]) -> Iterator[str]:
        table = model._meta.db_table
        seen = f"firm_id = {CURRENT_FIRM}"
        more = self.also_visible.get(model._meta.object_name or "")
        readable = f"{seen} OR {more}" if more else seen
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
        yield f'CREATE POLICY firm ON "{table}" USING ({readable}) WITH CHECK ({seen})'
        for column, parent in tenant_parents(model):
            yield _same_firm(table, column, parent)

    def describe(self) -> str:
        return f"Force row-level security on {', '.join(self.models)}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.models], {"also_visible": self.also_visible}


class ReadOnlyToFirms(Operation):
    """Shared reference tables: the runtime role reads them, the owner role writes them."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, models: list[str]) -> None:
        self.models = models

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for name in self.models:
            table = to_state.apps.get_model(app_label, name)._meta.db_table
            schema_editor.execute(f'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "{table}" FROM "{runtime_role()}"')

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for name in self.models:
            table = from_state.apps.get_model(app_label, name)._meta.db_table
            schema_editor.execute(f'GRANT INSERT, UPDATE, DELETE ON "{table}" TO "{runtime_role()}"')

    def describe(self) -> str:
        return f"Let firms read, never write, {', '.join(self.models)}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.models], {}


class LinkWithinFirm(Operation):
    """Make a link that was added to a protected table later carry the firm."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, name: str) -> None:
        self.model = model
        self.name = name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table, column = self._place(app_label, to_state)
        parent = dict(tenant_parents(to_state.apps.get_model(app_label, self.model)))[column]
        schema_editor.execute(_same_firm(table, column, parent))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table, column = self._place(app_label, from_state)
        schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_{column}_same_firm"')

    def _place(self, app_label: str, state: ProjectState) -> tuple[str, str]:
        model = state.apps.get_model(app_label, self.model)
        return model._meta.db_table, str(model._meta.get_field(self.name).column)

    def describe(self) -> str:
        return f"Let {self.model}.{self.name} lead to rows of the same firm only"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.model, self.name], {}


def _same_firm(table: str, column: str, parent: str) -> str:
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_same_firm" FOREIGN KEY (firm_id, "{column}") '
        f'REFERENCES "{parent}" (firm_id, id) DEFERRABLE INITIALLY IMMEDIATE'
    )
