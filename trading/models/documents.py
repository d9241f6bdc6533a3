"""A JSON column for large documents."""

from __future__ import annotations

from typing import Any

from django.db import models


class DocumentField(models.JSONField):
    """As it is for migrations and in the database, a `JSONField`; many rows at once are written value by value.

    Django sends the rows of a `bulk_create` as one array a column, and an array's text has every quotation mark of a
    document escaped once more, mark by mark in Python: that takes longer than to make the document. A field with a
    placeholder of its own is sent by itself.
    """

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "%s"

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, options
