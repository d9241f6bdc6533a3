"""Making proposals: the engine decides, its decisions are re-footed, and each household's become one proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from accounts.services import audit
from portfolios.models import Scan
from portfolios.selectors.policies import approval_limits, policies_in_force
from portfolios.services.signals import Found, Outcome
from portfolios.snapshots.book import LoadedBook, load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.checks import Checker
from rebalancer.engine.cost_benefit import weighed
from rebalancer.engine.optimiser import ENGINE_VERSION, solve
from rebalancer.engine.optimiser.decision import Decision
from trading.models import Proposal, ProposalAccount
from trading.packing import content_digest, inputs_digest
from trading.selectors.staleness import input_digests
from trading.selectors.working import households_at_work
from trading.services.alternatives import OWN, ByScenario, LimitsByScenario, alternatives, own_scenario
from trading.services.packed import packed_content, packed_inputs
from trading.services.questions import Asked, Question, question_of
from trading.services.soundness import outcome_of, too_dear, unsound
from trading.services.totals import second_look, totals

AT_WORK = Outcome(
    "ORDERS_AT_WORK",
    "Orders of an earlier proposal are still at work; the household is looked at when they have ended.",
)

OPEN = (Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND)


@dataclass(frozen=True, slots=True)
class Made:
    """How many proposals were made, and what was done about each due account, by its index in the book looked at."""

    proposals: int
    outcomes: Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class _Decided:
    """The decisions on one household that foot: at its own place of the slider, and at all others by account id."""

    household: int
    own: list[Decision]
    scenarios: Mapping[str, ByScenario]

    @property
    def scenario(self) -> str:
        return own_scenario(self.own)

    @property
    def trading(self) -> list[Decision]:
        """Of accounts that trade in some scenario."""
        return [one for one in self.own if any(other.trades for other in self.scenarios[one.account_id].values())]


def propose(
    *,
    firm_id: int,
    scan_id: int,
    loaded: LoadedBook,
    found: Found,
    at: datetime,
) -> Made:
    """Decide what is due in a looked-at book and store one proposal a household; older open ones give way.

    A proposal holds the trades that the household's policies ask for, and keeps those of the other scenarios beside
    them. What the accounts hold, and their rules, are digested before they are read again for the decision, so that a
    change in between makes the proposal stale rather than wrong. A decision that does not foot is logged and left out:
    it is a defect, never a row.
    """
    _supersede(firm_id, scan_id, loaded, at)
    due, waiting = _due(firm_id, loaded, found)
    if not len(due):
        return Made(0, waiting)
    households = np.unique(loaded.household_ids[due]).tolist()
    digests = input_digests(firm_id, loaded.account_ids[np.isin(loaded.household_ids, households)].tolist())
    whole = load_book(firm_id, households, as_of=loaded.book.as_of, depth=Depth.ALL_LOTS)
    modes = {str(loaded.account_ids[place]): int(found.triggers.mode[place]) for place in due.tolist()}
    rows = whole.book.index_of([account for account in whole.book.accounts.account_id if account in modes])
    ids = whole.book.accounts.account_id
    mode = np.array([modes[ids[row]] for row in rows.tolist()], dtype=np.int64)
    checker, whole_block = Checker(whole.book), solve(whole.book, rows, modes=mode)
    decisions = list(whole_block)
    dear, failing = too_dear(checker, decisions, _weighed(loaded, found)), unsound(checker, decisions)
    sound = [one for one in decisions if one.account_id not in failing and one.account_id not in dear]
    decided, limits = _by_household(whole, sound, modes, checker)
    put = Asked(modes, frozenset(dear), {OWN: whole_block.volume_limits, **limits})
    proposals = _store(firm_id, scan_id, whole, decided, digests, put, at)
    place_of = {str(account): place for place, account in enumerate(loaded.account_ids.tolist())}
    return Made(proposals, waiting | {place_of[one.account_id]: outcome_of(one, failing, dear) for one in decisions})


def _due(firm_id: int, loaded: LoadedBook, found: Found) -> tuple[Any, dict[int, Outcome]]:
    """Due accounts whose household has no order at work, and what is said of the others."""
    busy = np.isin(loaded.household_ids[found.triggers.due], sorted(households_at_work(firm_id)))
    return found.triggers.due[~busy], dict.fromkeys(found.triggers.due[busy].tolist(), AT_WORK)


def _weighed(loaded: LoadedBook, found: Found) -> frozenset[str]:
    """Ids of the accounts whose policy weighs what a rebalance is worth against its cost."""
    return frozenset(str(one) for one in loaded.account_ids[weighed(loaded.book, found.triggers)].tolist())


def _by_household(
    whole: LoadedBook, sound: Sequence[Decision], modes: Mapping[str, int], checker: Checker
) -> tuple[list[_Decided], LimitsByScenario]:
    """Households of which some account trades, with the decisions at every place of the slider; limits of volume."""
    place_of = {account: place for place, account in enumerate(whole.book.accounts.account_id)}
    grouped: dict[int, list[Decision]] = {}
    for decision in sound:
        grouped.setdefault(int(whole.household_ids[place_of[decision.account_id]]), []).append(decision)
    trading = {household: own for household, own in grouped.items() if any(one.trades for one in own)}
    found = alternatives(whole, [one for own in trading.values() for one in own], modes, checker)
    decided = [_Decided(household, own, found.by_account) for household, own in trading.items()]
    return decided, found.limits


def _supersede(firm_id: int, scan_id: int, loaded: LoadedBook, at: datetime) -> None:
    """A household that is looked at again loses its open proposal; the audit trail says so. The new look decides."""
    households = np.unique(loaded.household_ids).tolist()
    rows = Proposal.objects.for_firm(firm_id).filter(
        household_id__in=households, status__in=(*OPEN, Proposal.Status.STALE)
    )
    found = {row.pk: row for row in rows.defer("book").order_by("id").select_for_update()}
    if not found:
        return
    Proposal.objects.for_firm(firm_id).filter(pk__in=found).update(status=Proposal.Status.SUPERSEDED, decided_at=at)
    audit.record_each(
        firm_id=firm_id,
        at=at,
        actor="system",
        action="PROPOSAL_SUPERSEDED",
        subject="proposal",
        payloads={
            key: {"content_sha256": row.content_sha256, "was": row.status, "scan": scan_id}
            for key, row in found.items()
        },
    )


def _store(
    firm_id: int,
    scan_id: int,
    whole: LoadedBook,
    decided: Sequence[_Decided],
    digests: Mapping[int, Mapping[str, str]],
    put: Asked,
    at: datetime,
) -> int:
    place_of = {account: place for place, account in enumerate(whole.book.accounts.account_id)}
    scan = Scan.objects.for_firm(firm_id).get(pk=scan_id)
    limits = policies_in_force(firm_id)
    parts: list[list[ProposalAccount]] = []
    proposals: list[Proposal] = []
    for one in decided:
        rows = [_part(whole, decision, place_of[decision.account_id], one, digests) for decision in one.trading]
        question = question_of(whole, one.household, put, _beside(whole, one, digests))
        proposals.append(_proposal(scan, one, rows, question, approval_limits(limits, one.household), at))
        parts.append(rows)
    stored = Proposal.objects.for_firm(firm_id).bulk_create(proposals, batch_size=1000)
    for proposal, rows in zip(stored, parts, strict=True):
        for row in rows:
            row.proposal = proposal
    ProposalAccount.objects.for_firm(firm_id).bulk_create([row for rows in parts for row in rows], batch_size=500)
    return len(stored)


def _beside(
    whole: LoadedBook, decided: _Decided, digests: Mapping[int, Mapping[str, str]]
) -> Mapping[str, Mapping[str, str]]:
    """Digests of the household's other accounts: what they hold counts for its target and for its wash sales."""
    members = whole.account_ids[whole.household_ids == decided.household].tolist()
    trading = {one.account_id for one in decided.trading}
    return {str(account): digests[account] for account in members if str(account) not in trading}


def _part(
    whole: LoadedBook,
    decision: Decision,
    place: int,
    of_household: _Decided,
    digests: Mapping[int, Mapping[str, str]],
) -> ProposalAccount:
    account_id = int(whole.account_ids[place])
    by_scenario = of_household.scenarios[decision.account_id]
    scenarios = {name: packed_content(whole.book, other, place) for name, other in sorted(by_scenario.items())}
    return ProposalAccount(
        account_id=account_id,
        model_version_id=int(whole.version_ids[place]),
        inputs=packed_inputs(whole.book, list(by_scenario.values()), place) | dict(digests[account_id]),
        scenarios=scenarios,
        **scenarios[of_household.scenario],
    )


def _proposal(
    scan: Scan,
    decided: _Decided,
    rows: Sequence[ProposalAccount],
    question: Question,
    limits: Mapping[str, Decimal | None],
    at: datetime,
) -> Proposal:
    found = totals([row.scenarios[decided.scenario] for row in rows])
    needs_two, why = second_look(found, limits)
    hashes = {
        name: content_digest((row.account_id, row.scenarios[name]["trades"]) for row in rows)
        for name in rows[0].scenarios
    }
    return Proposal(
        scan=scan,
        household_id=decided.household,
        as_of=scan.as_of,
        created_at=at,
        **asdict(found),
        needs_two=needs_two,
        two_reason=why,
        engine_version=ENGINE_VERSION,
        scenario=decided.scenario,
        settings={**question.asked, "contents": hashes},
        book=question.book,
        inputs_sha256=inputs_digest(
            ((row.account_id, row.inputs) for row in rows), asked=question.asked, book=question.book
        ),
        content_sha256=hashes[decided.scenario],
    )
