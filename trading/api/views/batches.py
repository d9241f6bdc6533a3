"""Batches: the day's data in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from trading.api.authentication import require_scope
from trading.api.problems import not_found
from trading.api.schema import in_path, reads, writes
from trading.api.serializers.batches import BatchIn, BatchOut
from trading.api.serializers.orders import NoQuery
from trading.api.throttling import Budget
from trading.api.views.base import CustodianView
from trading.selectors import custodian_api as selectors
from trading.services.custodian_api.batches import submit_batch
from trading.services.custodian_api.calls import Answer


class Batches(CustodianView):
    budget = Budget.BATCHES

    @writes(
        "batches_create",
        "Send a batch: it is applied whole, or nothing of it.",
        BatchIn,
        {HTTPStatus.CREATED: BatchOut, HTTPStatus.OK: BatchOut},
        scope="<feed>:write",
    )
    def post(self, request: Request, firm_slug: str) -> Response:
        return self.write(BatchIn, self._submit)

    def _submit(self, sent: BatchIn) -> Answer:
        require_scope(self.caller, f"{sent.root.feed}:write")
        batch, is_new = submit_batch(
            caller=self.caller,
            submission=sent.submission(self.body_bytes),
            today=timezone.localdate(self.at),
            at=self.at,
        )
        return Answer(HTTPStatus.CREATED if is_new else HTTPStatus.OK, _shown(batch))

    def headers_for(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        return {"Location": f"{self.path}/{body['id']}"}


class Batch(CustodianView):
    budget = Budget.READS

    @reads(
        "batches_read",
        "Read what became of a batch.",
        BatchOut,
        scope="<feed>:write",
        parameters=[in_path("batch_id", "The batch's id.", r"^bat_[0-9A-Z]{26}$")],
    )
    def get(self, request: Request, firm_slug: str, batch_id: str) -> Response:
        self.query(NoQuery)
        return self.read(lambda: self._show(batch_id))

    def _show(self, batch_id: str) -> Answer:
        batch = selectors.batch_detail(self.caller.firm_id, self.caller.custodian_id, batch_id=batch_id)
        if batch is None:
            raise not_found("There is no such batch.")
        require_scope(self.caller, f"{batch.feed}:write")
        return Answer(HTTPStatus.OK, _shown(batch))


def _shown(batch: Any) -> dict[str, Any]:
    values = {
        "id": batch.public_id,
        "feed": batch.feed,
        "mode": batch.mode,
        "as_of": batch.as_of.isoformat(),
        "sequence": batch.sequence,
        "status": "applied",
        "record_count": batch.record_count,
        "control_totals": batch.control_totals,
        "outcomes": batch.outcomes,
        "applied_at": batch.applied_at,
    }
    return BatchOut.model_validate(values).model_dump(mode="json")
