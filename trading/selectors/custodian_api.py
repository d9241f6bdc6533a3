"""What a custodian may see through the API: its key's grants, the orders released to it, the batches it sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.utils import InterfaceError, OperationalError

from accounts.selectors.members import firm_by_slug
from trading.connections import CUSTODIAN_API
from trading.lifecycle import OrderStatus
from trading.models import ApiBatch, ApiCredential, Order, OrderCommand, OrderLot

CLIENT_ID_PREFIX = "RB-"
ORDER_PREFIX = "ord_"
ORDER_ID = re.compile(r"ord_[0-9A-Za-z-]{1,29}")
BATCH_ID = re.compile(r"bat_[0-9A-Z]{26}")
TOKEN = re.compile(r"cust_([0-9a-z]{1,32})_([0-9A-Za-z_-]{20,128})")

STATES: Mapping[str, OrderStatus] = {
    "released": OrderStatus.READY,
    "leased": OrderStatus.SUBMITTING,
    "unknown": OrderStatus.UNKNOWN,
    "acknowledged": OrderStatus.SUBMITTED,
    "working": OrderStatus.WORKING,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "replaced": OrderStatus.REPLACED,
    "rejected": OrderStatus.REJECTED,
}
"""An order's states in the words of the API. What has no word here was never released, or not any longer."""

STATE_OF = {status: word for word, status in STATES.items()}


@dataclass(frozen=True, slots=True)
class Credential:
    """A key that is in force, and what was granted with it."""

    id: int
    key_id: str
    custodian_id: int
    custodian_code: str
    firm_slugs: frozenset[str]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caller:
    """A custodian that calls about one firm, in one request."""

    credential: Credential
    firm_id: int
    request_id: str

    @property
    def custodian_id(self) -> int:
        return self.credential.custodian_id

    @property
    def actor(self) -> str:
        """The name under which the audit trail knows it."""
        return f"api:{self.credential.key_id}"


@dataclass(frozen=True, slots=True)
class NamedLot:
    custodian_lot_id: str
    quantity: Decimal
    open_date: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order as its custodian sees it. `state` is a word of `STATES`; money in dollars a share."""

    id: str
    custodian_order_id: str | None
    account: str
    symbol: str
    cusip: str | None
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    time_in_force: str
    state: str
    reason: str | None
    cum_quantity: Decimal
    average_price: Decimal | None
    cancel_requested: bool
    lease_expires_at: datetime | None
    lots: tuple[NamedLot, ...]
    version: int
    created_at: datetime
    updated_at: datetime


def secret_digest(secret: str) -> str:
    """What is kept of a key's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def credential_of(token: str, *, at: datetime) -> Credential | None:
    """The credential of a key `cust_<key id>_<secret>`; nothing unless it is known, right, unexpired and not revoked.

    The secret is compared in constant time, and also where there is no such key.
    """
    parts = TOKEN.fullmatch(token)
    if parts is None:
        return None
    key_id, secret = parts.groups()
    row = ApiCredential.objects.select_related("custodian").filter(key_id=key_id).first()
    kept = row.secret_sha256 if row else secret_digest("")
    if not hmac.compare_digest(kept, secret_digest(secret)) or row is None:
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
        return None
    return Credential(
        id=row.pk,
        key_id=row.key_id,
        custodian_id=row.custodian_id,
        custodian_code=row.custodian.code,
        firm_slugs=frozenset(row.firm_slugs),
        scopes=frozenset(row.scopes),
    )


def caller_for(credential: Credential, firm_slug: str, *, request_id: str) -> Caller | None:
    """The caller in a firm that the credential serves; nothing for another firm, or for none."""
    firm = firm_by_slug(firm_slug) if firm_slug in credential.firm_slugs else None
    return Caller(credential, firm.pk, request_id) if firm else None


def database_answers() -> bool:
    """Whether the database can be asked."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (InterfaceError, OperationalError):
        return False
    return True


def order_id_of(client_order_id: str) -> str:
    """The id under which a custodian knows an order."""
    return ORDER_PREFIX + client_order_id.removeprefix(CLIENT_ID_PREFIX)


def client_order_id_of(order_id: str) -> str:
    """Our id of an order; blank for what cannot be one."""
    return CLIENT_ID_PREFIX + order_id.removeprefix(ORDER_PREFIX) if ORDER_ID.fullmatch(order_id) else ""


def visible_orders(firm_id: int, custodian_id: int) -> QuerySet[Order]:
    """The orders that were released to a custodian which fetches them: no others exist for it."""
    commands = OrderCommand.objects.for_firm(firm_id).filter(order=OuterRef("pk"))
    rows = Order.objects.for_firm(firm_id).filter(
        Exists(commands.filter(kind=OrderCommand.Kind.SUBMIT)),
        connection__custodian_id=custodian_id,
        connection__adapter=CUSTODIAN_API,
        status__in=STATE_OF,
    )
    return rows.order_by("id")


def orders_by_id(firm_id: int, custodian_id: int, *, order_ids: Iterable[str]) -> Mapping[str, Order]:
    """Visible orders by the ids that custodians use."""
    names = {client_order_id_of(order_id) for order_id in order_ids} - {""}
    rows = visible_orders(firm_id, custodian_id).filter(client_order_id__in=names)
    return {order_id_of(row.client_order_id): row for row in rows}


def order_page(
    firm_id: int, custodian_id: int, *, state: str | None, after: int, limit: int
) -> tuple[Sequence[OrderFacts], int | None]:
    """Orders in the order they were made, from after a place on, and the place at which the next page begins."""
    rows = visible_orders(firm_id, custodian_id).filter(pk__gt=after)
    if state is not None:
        rows = rows.filter(status=STATES[state])
    found = list(rows.values_list("id", flat=True)[: limit + 1])
    page = found[:limit]
    return order_facts(firm_id, page), page[-1] if len(found) > limit else None


def order_detail(firm_id: int, custodian_id: int, *, order_id: str) -> OrderFacts | None:
    """One order; nothing if none of this id was released to this custodian."""
    order = orders_by_id(firm_id, custodian_id, order_ids=[order_id]).get(order_id)
    return order_facts(firm_id, [order.pk])[0] if order else None


def order_facts(firm_id: int, pks: Sequence[int]) -> Sequence[OrderFacts]:
    """These orders, in order of id."""
    commands = OrderCommand.objects.for_firm(firm_id).filter(order=OuterRef("pk"))
    leases = commands.filter(kind=OrderCommand.Kind.SUBMIT, status=OrderCommand.Status.LEASED)
    cancels = commands.filter(kind=OrderCommand.Kind.CANCEL, status=OrderCommand.Status.READY)
    rows = Order.objects.for_firm(firm_id).filter(pk__in=pks).select_related("account", "security")
    annotated = rows.annotate(lease=Subquery(leases.values("lease_until")[:1]), cancelling=Exists(cancels))
    lots: dict[int, list[NamedLot]] = {}
    names = OrderLot.objects.for_firm(firm_id).filter(order__in=pks).order_by("order_id", "position")
    for order_id, key, quantity, opened_on in names.values_list(
        "order_id", "lot__lot_key", "quantity", "lot__acquired_on"
    ):
        lots.setdefault(order_id, []).append(NamedLot(key, quantity, opened_on))
    return [_facts(row, lots.get(row.pk, [])) for row in annotated.order_by("id")]


def _facts(row: Any, lots: Iterable[NamedLot]) -> OrderFacts:
    return OrderFacts(
        id=order_id_of(row.client_order_id),
        custodian_order_id=row.broker_order_id or None,
        account=row.account.number,
        symbol=row.security.symbol,
        cusip=row.security.cusip or None,
        side=row.side.lower(),
        quantity=row.quantity,
        order_type=row.kind.lower(),
        limit_price=row.limit_price,
        time_in_force=row.time_in_force.lower(),
        state=STATE_OF[OrderStatus(row.status)],
        reason=row.status_reason or None,
        cum_quantity=row.cum_quantity,
        average_price=row.average_price,
        cancel_requested=row.cancelling,
        lease_expires_at=row.lease,
        lots=tuple(lots),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def batch_detail(firm_id: int, custodian_id: int, *, batch_id: str) -> ApiBatch | None:
    """A batch that this custodian sent, by its public id."""
    if not BATCH_ID.fullmatch(batch_id):
        return None
    return ApiBatch.objects.for_firm(firm_id).filter(custodian_id=custodian_id, public_id=batch_id).first()
