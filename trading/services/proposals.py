"""Making proposals: the engine decides, its decisions are re-footed, and each household's become one proposal."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from portfolios.models import Scan
from portfolios.selectors.holdings import holdings_digests
from portfolios.selectors.policies import approval_limits, policies_in_force
from portfolios.services.signals import Found, Outcome
from portfolios.snapshots.book import LoadedBook, load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import ENGINE_VERSION, solve
from rebalancer.engine.optimiser.decision import Decision
from trading.models import Proposal, ProposalAccount
from trading.packing import digest
from trading.selectors.working import households_at_work
from trading.services.packed import packed_figures, packed_inputs, packed_skipped, packed_trades

AT_WORK = Outcome(
    "ORDERS_AT_WORK",
    "Orders of an earlier proposal are still at work; the household is looked at when they have ended.",
)

log = logging.getLogger(__name__)

ZERO = Decimal(0)
OPEN = (Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND)


@dataclass(frozen=True, slots=True)
class Made:
    """How many proposals were made, and what was done about each due account, by its index in the book looked at."""

    proposals: int
    outcomes: Mapping[int, Outcome]


def propose(
    *,
    firm_id: int,
    scan_id: int,
    loaded: LoadedBook,
    found: Found,
    at: datetime,
) -> Made:
    """Decide what is due in a looked-at book and store one proposal a household; older open ones give way.

    What the accounts hold is digested before it is read again for the decision, so that a change in between makes the
    proposal stale rather than wrong. A decision that does not foot is logged and left out: it is a defect, never a row.
    """
    _supersede(firm_id, loaded, at)
    due, waiting = _due(firm_id, loaded, found)
    if not len(due):
        return Made(0, waiting)
    households = np.unique(loaded.household_ids[due]).tolist()
    digests = holdings_digests(firm_id, loaded.account_ids[due].tolist())
    whole = load_book(firm_id, households, as_of=loaded.book.as_of, depth=Depth.ALL_LOTS)
    modes = {str(loaded.account_ids[place]): int(found.triggers.mode[place]) for place in due.tolist()}
    rows = whole.book.index_of([account for account in whole.book.accounts.account_id if account in modes])
    ids = whole.book.accounts.account_id
    decisions = solve(whole.book, rows, modes=np.array([modes[ids[row]] for row in rows.tolist()], dtype=np.int64))
    sound, outcomes = _sound(whole, decisions)
    proposals = _store(firm_id, scan_id, whole, sound, digests, at)
    place_of = {str(account): place for place, account in enumerate(loaded.account_ids.tolist())}
    return Made(proposals, waiting | {place_of[account]: outcome for account, outcome in outcomes.items()})


def _due(firm_id: int, loaded: LoadedBook, found: Found) -> tuple[Any, dict[int, Outcome]]:
    """Due accounts whose household has no order at work, and what is said of the others."""
    busy = np.isin(loaded.household_ids[found.triggers.due], sorted(households_at_work(firm_id)))
    return found.triggers.due[~busy], dict.fromkeys(found.triggers.due[busy].tolist(), AT_WORK)


def _sound(whole: LoadedBook, decisions: Sequence[Decision]) -> tuple[list[Decision], dict[str, Outcome]]:
    """Decisions that foot and trade, and what is to be said of every one."""
    sound: list[Decision] = []
    outcomes: dict[str, Outcome] = {}
    breaches = Checker(whole.book).check_all(decisions)
    for decision in decisions:
        if decision.account_id in breaches:
            what = breaches[decision.account_id]
            log.error("account %s: the engine's decision does not foot: %s", decision.account_id, what)
            outcomes[decision.account_id] = Outcome(
                "CHECK_FAILED", "The trades found for it failed our own checks and were not proposed; this is reported."
            )
        elif decision.trades:
            sound.append(decision)
            outcomes[decision.account_id] = Outcome("PROPOSED")
        else:
            outcomes[decision.account_id] = _left_alone(decision)
    return sound, outcomes


def _left_alone(decision: Decision) -> Outcome:
    """Why a due account has no trades: what was said of the account as a whole, or of its securities."""
    said = sorted(decision.skipped, key=lambda one: one.symbol is not None)
    if not said:
        return Outcome("NO_TRADES", "No trade brings it nearer to its target.")
    return Outcome(said[0].reason.value, " ".join(one.sentence for one in said[:3]))


def _supersede(firm_id: int, loaded: LoadedBook, at: datetime) -> None:
    """A household that is looked at again loses its open proposal: the new look decides."""
    households = np.unique(loaded.household_ids).tolist()
    rows = Proposal.objects.for_firm(firm_id).filter(household_id__in=households)
    rows.filter(status__in=(*OPEN, Proposal.Status.STALE)).update(status=Proposal.Status.SUPERSEDED, decided_at=at)


def _store(
    firm_id: int,
    scan_id: int,
    whole: LoadedBook,
    decisions: Sequence[Decision],
    digests: Mapping[int, str],
    at: datetime,
) -> int:
    by_household: dict[int, list[Decision]] = {}
    place_of = {account: place for place, account in enumerate(whole.book.accounts.account_id)}
    for decision in decisions:
        by_household.setdefault(int(whole.household_ids[place_of[decision.account_id]]), []).append(decision)
    scan = Scan.objects.for_firm(firm_id).get(pk=scan_id)
    limits = policies_in_force(firm_id)
    parts: list[list[ProposalAccount]] = []
    proposals: list[Proposal] = []
    for household, of_household in by_household.items():
        rows = [_part(whole, decision, place_of[decision.account_id], digests) for decision in of_household]
        needs_two, why = _second_look(of_household, approval_limits(limits, household))
        proposals.append(_proposal(scan, household, of_household, rows, at, needs_two=needs_two, why=why))
        parts.append(rows)
    stored = Proposal.objects.for_firm(firm_id).bulk_create(proposals, batch_size=1000)
    for proposal, rows in zip(stored, parts, strict=True):
        for row in rows:
            row.proposal = proposal
    ProposalAccount.objects.for_firm(firm_id).bulk_create([row for rows in parts for row in rows], batch_size=500)
    return len(stored)


def _part(whole: LoadedBook, decision: Decision, place: int, digests: Mapping[int, str]) -> ProposalAccount:
    account_id = int(whole.account_ids[place])
    return ProposalAccount(
        account_id=account_id,
        model_version_id=int(whole.version_ids[place]),
        trades=packed_trades(whole.book, decision, place),
        skipped=packed_skipped(decision),
        figures=packed_figures(whole.book, decision, place),
        inputs=packed_inputs(whole.book, decision, place) | {"holdings_sha256": digests[account_id]},
    )


def _proposal(
    scan: Scan,
    household_id: int,
    decisions: Sequence[Decision],
    rows: Sequence[ProposalAccount],
    at: datetime,
    *,
    needs_two: bool,
    why: str,
) -> Proposal:
    value = sum((one.value for one in decisions), ZERO)
    content = [{"account": row.account_id, "trades": row.trades} for row in rows]
    inputs = [{"account": row.account_id, "inputs": row.inputs} for row in rows]
    return Proposal(
        scan=scan,
        household_id=household_id,
        as_of=scan.as_of,
        created_at=at,
        reasons=sorted({trade.reason.value for one in decisions for trade in one.trades}),
        account_count=len(decisions),
        trade_count=sum(len(one.trades) for one in decisions),
        value=value,
        turnover=sum((one.turnover for one in decisions), ZERO),
        drift_before=_weighted([one.drift_before for one in decisions], decisions),
        drift_after=_weighted([one.drift_after for one in decisions], decisions),
        gain_short=sum((one.gain_short for one in decisions), ZERO),
        gain_long=sum((one.gain_long for one in decisions), ZERO),
        tax=sum((one.tax for one in decisions), ZERO),
        cost=sum((one.cost for one in decisions), ZERO),
        needs_two=needs_two,
        two_reason=why,
        engine_version=ENGINE_VERSION,
        inputs_sha256=digest(inputs),
        content_sha256=digest(content),
    )


def _weighted(drifts: Sequence[float], decisions: Sequence[Decision]) -> Decimal:
    """The accounts' drift, weighted by their value."""
    total = float(sum((one.value for one in decisions), ZERO)) or 1.0
    summed = sum(drift * float(one.value) for drift, one in zip(drifts, decisions, strict=True))
    return Decimal(f"{summed / total:.8f}")


def _second_look(decisions: Sequence[Decision], limits: Mapping[str, Decimal | None]) -> tuple[bool, str]:
    """Whether a second approver must look, and which limit says so."""
    turnover = sum((one.turnover for one in decisions), ZERO)
    gain = sum((one.gain_short + one.gain_long for one in decisions), ZERO)
    for name, amount, words in (
        ("four_eyes_turnover", turnover, "It trades"),
        ("four_eyes_gain", gain, "It realises a net gain of"),
    ):
        limit = limits[name]
        if limit is not None and amount > limit:
            return True, f"{words} ${amount:,.0f}, above the limit of ${limit:,.0f}."
    return False, ""
