"""The firm's lines to its custodians, as facts that outlive the transaction they were read in."""

from __future__ import annotations

from accounts.tenancy import firm_scope
from trading.connections import Line
from trading.models import BrokerConnection


def line_of(row: BrokerConnection) -> Line:
    return Line(row.firm_id, row.pk, row.adapter, row.credentials_ref, row.capabilities)


def lines_of(firm_id: int) -> list[Line]:
    """Every line of the firm, in order of id."""
    with firm_scope(firm_id):
        return [line_of(row) for row in BrokerConnection.objects.for_firm(firm_id).order_by("id")]
