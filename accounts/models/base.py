from __future__ import annotations

from django.db import models

from accounts.tenancy import TenantManager


class TenantModel(models.Model):
    """A row of one firm. Its table stands behind row-level security; links to other tenant rows carry the firm."""

    firm = models.ForeignKey("accounts.Firm", on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = TenantManager()

    class Meta:
        abstract = True
