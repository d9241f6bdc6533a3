"""The simulated custodian as the pipeline sees it: Alpaca's interface, and the sharing out of blocks besides."""

from __future__ import annotations

from dataclasses import replace

import httpx

from trading.custodians.alpaca import Alpaca
from trading.custodians.alpaca_outcomes import outcome_of_answer
from trading.custodians.alpaca_wire import plain
from trading.custodians.protocol import Allocated, AllocateOutcome, AllocationRequest, Capabilities


class SimulatedCustodian(Alpaca):
    """An Alpaca that lets orders be placed in an average-price account and shares out what they traded."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, blocks=True, allocations=True)

    def allocate(self, request: AllocationRequest) -> AllocateOutcome:
        """Share out a block; asked again, the same request changes nothing."""
        body = {
            "order_id": request.broker_order_id,
            "revision": request.revision,
            "average_price": plain(request.average_price),
            "allocations": [
                {
                    "account_id": share.account,
                    "client_order_id": share.client_order_id,
                    "qty": plain(share.quantity),
                    "amount": plain(share.amount),
                }
                for share in request.shares
            ],
        }
        answer = self.send("POST", "/v1/allocations", json=body)
        if not isinstance(answer, httpx.Response):
            return answer
        return Allocated() if answer.is_success else outcome_of_answer(answer)
