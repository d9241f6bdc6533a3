"""Deliveries that came before their order was known: what is kept of them until it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import Account
from trading.models import BrokerConnection, Execution, InboundEvent
from trading.services.deliveries import About, Delivery, Report, Said
from trading.services.lines import line_of


def accounts_at(firm_id: int, connection_id: int) -> dict[str, int]:
    """The firm's accounts at the custodian of a connection: their ids by the custodian's ids."""
    row = BrokerConnection.objects.for_firm(firm_id).get(pk=connection_id)
    line = line_of(row)
    accounts = Account.objects.for_firm(firm_id).filter(custodian_id=row.custodian_id).order_by("id")
    return {line.account(number): pk for pk, number in accounts.values_list("id", "number")}


def parked(delivery: Delivery) -> dict[str, Any]:
    """What is stored so that the delivery can be taken up later."""
    about, told = delivery.about, delivery.execution
    return {
        "about": None if about is None else [about.account, about.symbol, about.side, _text(about.quantity)],
        "execution": None if told is None else _report_json(told),
    }


def restored(event: InboundEvent) -> Delivery:
    """The delivery that a parked event was."""
    kept, payload = event.payload["parked"], event.payload
    count = payload["cum_quantity"]
    return Delivery(
        channel=event.channel,
        source_event_id=event.source_event_id,
        said=Said(event.kind),
        word=payload["word"],
        client_order_id=event.client_order_id,
        broker_order_id=event.broker_order_id,
        occurred_at=event.occurred_at,
        execution=None if kept["execution"] is None else _report(kept["execution"]),
        cum_quantity=None if count is None else Decimal(count),
        reason=payload["reason"],
        message=payload["message"],
        about=None if kept["about"] is None else _about(*kept["about"]),
    )


def _report_json(told: Report) -> dict[str, Any]:
    return {
        "exec_id": told.exec_id,
        "kind": str(told.kind),
        "quantity": f"{told.quantity:f}",
        "price": f"{told.price:f}",
        "executed_at": told.executed_at.isoformat(),
        "trade_on": told.trade_on.isoformat(),
        "settle_on": told.settle_on.isoformat() if told.settle_on else None,
        "ref_exec_id": told.ref_exec_id,
        "fees": _text(told.fees),
        "gross": _text(told.gross),
    }


def _report(kept: Mapping[str, Any]) -> Report:
    return Report(
        exec_id=kept["exec_id"],
        kind=Execution.Kind(kept["kind"]),
        quantity=Decimal(kept["quantity"]),
        price=Decimal(kept["price"]),
        executed_at=datetime.fromisoformat(kept["executed_at"]),
        trade_on=date.fromisoformat(kept["trade_on"]),
        settle_on=date.fromisoformat(kept["settle_on"]) if kept["settle_on"] else None,
        ref_exec_id=kept["ref_exec_id"],
        fees=_number(kept["fees"]),
        gross=_number(kept.get("gross")),
    )


def _about(account: str, symbol: str, side: str, quantity: str | None) -> About:
    return About(account, symbol, side, _number(quantity))


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
