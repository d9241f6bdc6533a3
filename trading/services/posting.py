"""Executions to the ledger: each live one is posted once, with the lots that its order named, in order of execution.

Lots follow from the set of live executions, not from the order of their arrival: what came late or was busted makes
the postings after it be taken back and made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portfolios.services import ledger
from portfolios.services.ledger import Entry, Fill, Reversal
from rebalancer.engine.fees import Side
from trading.models import Execution, Order, OrderLot
from trading.services.moves import Moves
from trading.services.stories import Story

Named = tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class _Posted:
    """What stands in the ledger for executions: how often each was posted, the key that stands, the lots it took."""

    revisions: Mapping[int, int]
    standing: Mapping[int, str]
    lots: Mapping[str, Named]


def post(*, firm_id: int, stories: Sequence[Story], moves: Moves, at: datetime) -> int:
    """Bring the ledger to the live executions of these locked orders, in the caller's transaction.

    Gives back how many executions could not be posted, or not taken back; their orders are marked for review and the
    executions count as unposted. A block's own executions are in no account: they reach the ledger as the shares of
    the accounts.
    """
    _mark_live(firm_id, stories)
    stories = [story for story in stories if story.order.role != Order.Role.BLOCK]
    executions = {execution.pk: execution for story in stories for execution in story.executions}
    if not executions:
        return 0
    named = _named(firm_id, [story.order for story in stories])
    posted = _posted(firm_id, stories)
    entries = [entry for story in stories for entry in _entries(story, named.get(story.order.pk, ()), posted)]
    refused = ledger.apply(firm_id=firm_id, entries=entries)
    for story in stories:
        bad = [why for key, why in refused.items() if _execution_of(key) in {e.pk for e in story.executions}]
        if bad:
            story.order.needs_review = True
            story.order.status_reason = bad[0][:300]
            moves.changed(story.order)
    unposted = {_execution_of(key) for key in refused}
    rows = Execution.objects.for_firm(firm_id)
    rows.filter(pk__in=executions.keys() - unposted, posted_at=None).update(posted_at=at)
    rows.filter(pk__in=unposted).exclude(posted_at=None).update(posted_at=None)
    return len(unposted)


def _mark_live(firm_id: int, stories: Sequence[Story]) -> None:
    """Store which executions count now and which do not."""
    rows = Execution.objects.for_firm(firm_id)
    for live in (True, False):
        changed = [one.pk for story in stories for one in story.executions if one.is_live is live]
        if changed:
            rows.filter(pk__in=changed).exclude(is_live=live).update(is_live=live)


def allocate(named: Named, executions: Sequence[Execution]) -> Iterator[Named]:
    """The lots of each execution: the named lots in order, taken up by the executions in order."""
    left = list(named)
    for execution in executions:
        wanted, taken, rest = execution.quantity, [], []
        for lot_id, held in left:
            part = min(held, wanted)
            wanted -= part
            taken.append((lot_id, part))
            rest.append((lot_id, held - part))
        yield tuple((lot_id, part) for lot_id, part in taken if part)
        left = rest


def _entries(story: Story, named: Named, posted: _Posted) -> list[Entry]:
    """What has to be appended to the ledger for one order."""
    live = sorted((e for e in story.executions if e.is_live), key=lambda e: (e.executed_at, e.exec_id))
    wanted = dict(zip([e.pk for e in live], allocate(named, live), strict=True))
    keep: set[int] = set()
    for execution in live:
        key = posted.standing.get(execution.pk)
        if key is None or not _same(posted.lots.get(key, ()), wanted[execution.pk], execution.quantity):
            break
        keep.add(execution.pk)
    undo: list[Entry] = [
        Reversal(f"{key}:reversed", key, story.order.holder_id, story.order.security_id)
        for execution in reversed(story.executions)
        if (key := posted.standing.get(execution.pk)) is not None and execution.pk not in keep
    ]
    redo = [
        _fill(story.order, execution, posted.revisions.get(execution.pk, 0), wanted[execution.pk])
        for execution in live
        if execution.pk not in keep
    ]
    return [*undo, *redo]


def _same(took: Named, wanted: Named, quantity: Decimal) -> bool:
    """Whether a posting took the lots it should; what no name covers was the ledger's choice."""
    return took == wanted or sum(part for _, part in wanted) < quantity


def _fill(order: Order, execution: Execution, revision: int, lots: Named) -> Fill:
    return Fill(
        key=f"exec:{execution.pk}:{revision}",
        account_id=order.holder_id,
        security_id=order.security_id,
        side=Side(order.side),
        quantity=execution.quantity,
        price=execution.price,
        fees=execution.fees,
        gross=execution.gross,
        trade_on=execution.trade_on,
        settle_on=execution.settle_on,
        lots=lots,
    )


def _named(firm_id: int, orders: Sequence[Order]) -> dict[int, Named]:
    named: dict[int, list[tuple[int, Decimal]]] = {}
    rows = OrderLot.objects.for_firm(firm_id).filter(order__in=orders).order_by("order_id", "position")
    for order_id, lot_id, quantity in rows.values_list("order_id", "lot_id", "quantity"):
        named.setdefault(order_id, []).append((lot_id, quantity))
    return {order_id: tuple(lots) for order_id, lots in named.items()}


def _posted(firm_id: int, stories: Sequence[Story]) -> _Posted:
    executions = [execution for story in stories for execution in story.executions]
    accounts = sorted({story.order.holder_id for story in stories})
    days = sorted({execution.trade_on for execution in executions})
    ours = {execution.pk for execution in executions}
    keys = {key for key in ledger.posted_keys(firm_id, accounts, days) if _execution_of(key) in ours}
    postings = sorted((key for key in keys if not key.endswith(":reversed")), key=lambda key: int(key.split(":")[2]))
    revisions: dict[int, int] = {}
    standing: dict[int, str] = {}
    for key in postings:
        revisions[_execution_of(key)] = revisions.get(_execution_of(key), 0) + 1
        if f"{key}:reversed" not in keys:
            standing[_execution_of(key)] = key
    used = ledger.lots_used(firm_id, sorted(standing.values()))
    return _Posted(revisions, standing, {key: tuple(lots) for key, lots in used.items()})


def _execution_of(key: str) -> int:
    """The execution that a posting's key names; zero for a posting that is not ours."""
    parts = key.split(":")
    return int(parts[1]) if parts[0] == "exec" else 0
