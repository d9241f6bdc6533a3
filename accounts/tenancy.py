"""The two walls between firms: a manager that refuses a query without a firm, and the scope that the database reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from django.db import connection, models, transaction

_Model = TypeVar("_Model", bound=models.Model)


class QueryWithoutFirm(RuntimeError):
    """A tenant table was queried without saying for which firm."""


class TenantQuerySet(models.QuerySet[_Model, _Model]):
    """Rows of one firm; what it creates belongs to that firm."""

    firm_id: int = 0

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone.firm_id = self.firm_id
        return clone

    def create(self, **values: Any) -> _Model:
        return super().create(**{**values, "firm_id": self.firm_id})

    def bulk_create(self, objs: Iterable[_Model], *args: Any, **kwargs: Any) -> list[_Model]:
        rows = list(objs)
        for row in rows:
            row.firm_id = self.firm_id  # type: ignore[attr-defined]
        return super().bulk_create(rows, *args, **kwargs)


class TenantManager(models.Manager[_Model]):
    """Finds nothing by itself: every query starts with `for_firm`."""

    def get_queryset(self) -> models.QuerySet[_Model, _Model]:
        raise QueryWithoutFirm(f"{self.model.__name__} belongs to a firm: begin the query with .for_firm(firm_id)")

    def for_firm(self, firm_id: int) -> TenantQuerySet[_Model]:
        """The firm's rows.

        :raises QueryWithoutFirm: if no firm is given
        """
        if not firm_id:
            raise QueryWithoutFirm(f"{self.model.__name__} was asked for the rows of no firm")
        rows: TenantQuerySet[_Model] = TenantQuerySet(self.model, using=self._db)
        rows = rows.filter(firm_id=firm_id)
        rows.firm_id = firm_id
        return rows


@contextmanager
def firm_scope(firm_id: int | None, *, user_id: int | None = None) -> Iterator[None]:
    """A transaction in which PostgreSQL shows the rows of one firm and no other.

    With no firm, only what the user owns across firms is visible: his memberships and the firms they name.
    Scopes nest; the outer firm is back afterwards.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.firm_id', true), current_setting('app.user_id', true)")
        outer = cursor.fetchone()
        _set_scope(cursor, firm_id, user_id)
        yield
        _set_scope(cursor, *outer)


def _set_scope(cursor: Any, firm_id: object, user_id: object) -> None:
    cursor.execute(
        "SELECT set_config('app.firm_id', %s, true), set_config('app.user_id', %s, true)",
        [str(firm_id or ""), str(user_id or "")],
    )


def firm_ids() -> list[int]:
    """Every firm's id, in order: what a sweep walks. Nothing else of another firm is readable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM all_firm_ids() AS id ORDER BY id")
        return [row[0] for row in cursor.fetchall()]
