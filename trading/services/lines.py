"""The firm's lines to its custodians, as facts that outlive the transaction they were read in."""

from __future__ import annotations

from accounts.tenancy import firm_scope
from trading.connections import CUSTODIAN_API, Line
from trading.models import BrokerConnection


def line_of(row: BrokerConnection) -> Line:
    return Line(row.firm_id, row.pk, row.adapter, row.credentials_ref, row.capabilities)


def lines_of(firm_id: int) -> list[Line]:
    """Every line on which we speak, in order of id: not those to custodians who fetch what is for them."""
    with firm_scope(firm_id):
        rows = BrokerConnection.objects.for_firm(firm_id).exclude(adapter=CUSTODIAN_API)
        return [line_of(row) for row in rows.order_by("id")]
