"""Orders: fetched, claimed, acknowledged or refused, and what happens to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, get_args

from rest_framework.request import Request
from rest_framework.response import Response

from trading.api import paging
from trading.api.idempotency import etag, version_of
from trading.api.problems import not_found
from trading.api.schema import in_path, in_query, reads, writes
from trading.api.serializers.orders import (
    AckIn,
    ClaimIn,
    ClaimOut,
    EventIn,
    EventOut,
    ExecutionsIn,
    ExecutionsOut,
    NoQuery,
    OrderOut,
    OrderPageOut,
    OrderQuery,
    RejectIn,
    State,
)
from trading.api.throttling import Budget
from trading.api.views.base import CustodianView
from trading.selectors import custodian_api as selectors
from trading.selectors.custodian_api import OrderFacts
from trading.services.custodian_api import executions, orders
from trading.services.custodian_api.calls import Answer

ORDER = in_path("order_id", "The order's id.", r"^ord_[0-9A-Za-z-]{1,29}$")
PAGE = (
    in_query("state", {"type": "string", "enum": list(get_args(State))}, "Only orders in this state."),
    in_query("cursor", {"type": "string", "minLength": 1, "maxLength": 300}, "The next_cursor of the page before."),
    in_query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "Orders a page."),
)


class Orders(CustodianView):
    budget = Budget.READS
    scope = "orders:read"

    @reads("orders_list", "Orders that were released to you, oldest first.", OrderPageOut, scope=scope, parameters=PAGE)
    def get(self, request: Request, firm_slug: str) -> Response:
        asked = self.query(OrderQuery)
        return self.read(lambda: self._page(asked))

    def _page(self, asked: OrderQuery) -> Answer:
        question = f"{self.caller.firm_id} {self.caller.custodian_id} orders {asked.state}"
        found, place = selectors.order_page(
            self.caller.firm_id,
            self.caller.custodian_id,
            state=asked.state,
            after=paging.place(question, asked.cursor),
            limit=asked.limit,
        )
        return Answer(
            HTTPStatus.OK,
            {
                "data": _shown(found),
                "next_cursor": None if place is None else paging.cursor(question, place),
                "has_more": place is not None,
            },
        )


class Order(CustodianView):
    budget = Budget.READS
    scope = "orders:read"

    @reads("orders_read", "Read one order.", OrderOut, scope=scope, parameters=[ORDER], tagged=True)
    def get(self, request: Request, firm_slug: str, order_id: str) -> Response:
        self.query(NoQuery)
        response = self.read(lambda: self._show(order_id))
        if response.get("ETag") and request.headers.get("If-None-Match") == response["ETag"]:
            return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": response["ETag"]})
        return response

    def _show(self, order_id: str) -> Answer:
        order = selectors.order_detail(self.caller.firm_id, self.caller.custodian_id, order_id=order_id)
        if order is None:
            raise not_found("There is no such order.")
        return Answer(HTTPStatus.OK, _shown([order])[0])

    def headers_for(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        return {"ETag": etag(body["version"])}


class Claim(CustodianView):
    scope = "orders:ack"

    @writes(
        "orders_claim",
        "Lease released orders; acknowledge them in time.",
        ClaimIn,
        {HTTPStatus.OK: ClaimOut},
        scope=scope,
    )
    def post(self, request: Request, firm_slug: str) -> Response:
        return self.write(ClaimIn, self._claim)

    def _claim(self, asked: ClaimIn) -> Answer:
        lease = timedelta(seconds=asked.lease_seconds)
        found = orders.claim_orders(caller=self.caller, limit=asked.max, lease=lease, at=self.at)
        return Answer(HTTPStatus.OK, {"data": _shown(found)})


class Acknowledge(CustodianView):
    scope = "orders:ack"

    @writes(
        "orders_acknowledge",
        "Say that you have an order, and what you call it.",
        AckIn,
        {HTTPStatus.OK: OrderOut},
        scope=scope,
        parameters=[ORDER],
        versioned=True,
        tagged=True,
    )
    def post(self, request: Request, firm_slug: str, order_id: str) -> Response:
        version = version_of(request)
        return self.write(AckIn, lambda said: self._acknowledge(order_id, version, said))

    def _acknowledge(self, order_id: str, version: int, said: AckIn) -> Answer:
        order = orders.acknowledge(
            caller=self.caller,
            order_id=order_id,
            version=version,
            custodian_order_id=said.custodian_order_id,
            at=self.at,
        )
        return Answer(HTTPStatus.OK, _shown([order])[0])

    def headers_for(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        return {"ETag": etag(body["version"])}


class Reject(CustodianView):
    scope = "orders:ack"

    @writes(
        "orders_reject",
        "Refuse an order that is leased to you.",
        RejectIn,
        {HTTPStatus.OK: OrderOut},
        scope=scope,
        parameters=[ORDER],
        versioned=True,
        tagged=True,
    )
    def post(self, request: Request, firm_slug: str, order_id: str) -> Response:
        version = version_of(request)
        return self.write(RejectIn, lambda said: self._reject(order_id, version, said))

    def _reject(self, order_id: str, version: int, said: RejectIn) -> Answer:
        order = orders.reject(
            caller=self.caller, order_id=order_id, version=version, code=said.code, text=said.text, at=self.at
        )
        return Answer(HTTPStatus.OK, _shown([order])[0])

    def headers_for(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        return {"ETag": etag(body["version"])}


class Events(CustodianView):
    scope = "executions:write"

    @writes(
        "orders_tell",
        "Say what happened to an order, other than an execution.",
        EventIn,
        {HTTPStatus.OK: EventOut},
        scope=scope,
        parameters=[ORDER],
    )
    def post(self, request: Request, firm_slug: str, order_id: str) -> Response:
        return self.write(EventIn, lambda said: self._tell(order_id, said))

    def _tell(self, order_id: str, said: EventIn) -> Answer:
        order, is_new = orders.tell(caller=self.caller, order_id=order_id, news=said.news(), at=self.at)
        return Answer(HTTPStatus.OK, {"result": "created" if is_new else "unchanged", "order": _shown([order])[0]})


class Executions(CustodianView):
    scope = "executions:write"

    @writes(
        "executions_create",
        "Report fills, corrections and busts: all are taken, or none.",
        ExecutionsIn,
        {HTTPStatus.OK: ExecutionsOut},
        scope=scope,
    )
    def post(self, request: Request, firm_slug: str) -> Response:
        return self.write(ExecutionsIn, self._take)

    def _take(self, said: ExecutionsIn) -> Answer:
        told = [one.told() for one in said.executions]
        taken = executions.take_executions(caller=self.caller, told=told, at=self.at)
        return Answer(HTTPStatus.OK, ExecutionsOut.model_validate({"data": taken}).model_dump(mode="json"))


def _shown(found: Sequence[OrderFacts]) -> list[dict[str, Any]]:
    return [OrderOut.model_validate(order).model_dump(mode="json") for order in found]
