"""Deciding a proposal again from what was kept with it, and comparing every byte with what is on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import DecimalField

from rebalancer.engine.book_pack import BadPackedBook
from rebalancer.engine.optimiser import ENGINE_VERSION
from trading.models import Proposal, ProposalAccount
from trading.packing import canonical, content_digest, inputs_digest
from trading.selectors.staleness import INPUTS
from trading.services.approvals import ProposalNotFound
from trading.services.packed import packed_content, packed_inputs
from trading.services.questions import Answer, BadQuestion, Question, answer
from trading.services.totals import Totals, totals

CONTENT = ("trades", "skipped", "figures", "certificate")
OUTCOMES = "contents"
"""The one key of `Proposal.settings` that was found and not asked: content hashes by scenario."""


class NothingToReplay(RuntimeError):
    """No book was kept with the proposal."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Whether the engine finds again what is on record, to the byte, and where it does not."""

    identical: bool
    differences: list[str]


def replay(*, firm_id: int, proposal_id: int) -> Replay:
    """Ask the engine again what it was asked for a proposal, and compare its answer with what is on record.

    Compared are the trades, what was skipped, the figures and the certificate of every account in every scenario, the
    inputs, the proposal's sums and hashes, and the version of the engine. Nothing is read but the proposal itself,
    and nothing is written. What people decided about it (its status, the scenario chosen) is not the engine's.

    :raises ProposalNotFound: if the firm has no such proposal
    :raises NothingToReplay: if it was made before books were kept
    """
    proposal = Proposal.objects.for_firm(firm_id).filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalNotFound(proposal_id)
    if proposal.book is None:
        raise NothingToReplay(f"Proposal {proposal_id} was made before books were kept, so it cannot be decided again.")
    parts = list(ProposalAccount.objects.for_firm(firm_id).filter(proposal=proposal).order_by("id"))
    asked = {name: value for name, value in proposal.settings.items() if name != OUTCOMES}
    question = Question(asked, bytes(proposal.book))
    kept = _kept(proposal, parts)
    try:
        again = _again(proposal, parts, question, answer(question))
    except (BadPackedBook, BadQuestion) as error:
        return Replay(False, [str(error)])
    return Replay(canonical(kept) == canonical(again), list(_differences(kept, again)))


def _kept(proposal: Proposal, parts: Sequence[ProposalAccount]) -> dict[str, Any]:
    """What is on record."""
    return {
        "engine_version": proposal.engine_version,
        "as_of": proposal.as_of,
        "inputs_sha256": proposal.inputs_sha256,
        "content_sha256": proposal.content_sha256,
        OUTCOMES: proposal.settings.get(OUTCOMES),
        "sums": {name: _as_stored(name, getattr(proposal, name)) for name in Totals.__slots__},
        "accounts": {
            str(part.account_id): {
                "model_version": part.model_version_id,
                "inputs": part.inputs,
                "scenarios": part.scenarios,
                **{name: getattr(part, name) for name in CONTENT},
            }
            for part in parts
        },
    }


def _again(proposal: Proposal, parts: Sequence[ProposalAccount], question: Question, found: Answer) -> dict[str, Any]:
    """The same from the engine's answer. Digests of inputs are not the engine's: they stay as they are on record."""
    digests = {
        str(part.account_id): {name: part.inputs[name] for name in INPUTS if name in part.inputs} for part in parts
    }
    accounts = {name: _account(found, name, proposal.scenario, digests.get(name, {})) for name in found.accounts}
    scenarios = {name: account["scenarios"] for name, account in accounts.items()}
    hashes = {
        scenario: content_digest((int(name), by[scenario]["trades"]) for name, by in scenarios.items())
        for scenario in next(iter(scenarios.values()), {})
    }
    held = [by[proposal.scenario] for by in scenarios.values() if proposal.scenario in by]
    return {
        "engine_version": ENGINE_VERSION,
        "as_of": found.whole.book.as_of,
        "inputs_sha256": inputs_digest(
            ((int(name), account["inputs"]) for name, account in accounts.items()),
            asked=question.asked,
            book=question.book,
        ),
        "content_sha256": hashes.get(proposal.scenario),
        OUTCOMES: hashes,
        "sums": {name: _as_stored(name, value) for name, value in asdict(totals(held)).items()},
        "accounts": accounts,
    }


def _account(found: Answer, name: str, scenario: str, digests: Mapping[str, Any]) -> dict[str, Any]:
    """An account's content as it would be stored; without any where it has no such scenario."""
    by_scenario, book = found.accounts[name], found.whole.book
    place = book.accounts.account_id.index(name)
    scenarios = {one: packed_content(book, decision, place) for one, decision in sorted(by_scenario.items())}
    return {
        "model_version": int(found.whole.version_ids[place]),
        "inputs": packed_inputs(book, list(by_scenario.values()), place) | dict(digests),
        "scenarios": scenarios,
        **scenarios.get(scenario, dict.fromkeys(CONTENT)),
    }


def _as_stored(name: str, value: Any) -> Any:
    """A sum with as many decimals as its column has, rounded as PostgreSQL rounds a numeric."""
    field = Proposal._meta.get_field(name)
    if not isinstance(field, DecimalField):
        return value
    return value.quantize(Decimal(1).scaleb(-field.decimal_places), ROUND_HALF_UP)


def _differences(kept: Any, again: Any, where: str = "") -> Iterator[str]:
    """Where two values differ, part by part: what is on record first."""
    if isinstance(kept, Mapping) and isinstance(again, Mapping):
        for name in sorted({*kept, *again}):
            place = f"{where}.{name}" if where else str(name)
            if name in kept and name in again:
                yield from _differences(kept[name], again[name], place)
            else:
                yield f"{place} is {'on record, and not found again' if name in kept else 'found, and not on record'}"
    elif isinstance(kept, list) and isinstance(again, list):
        if len(kept) != len(again):
            yield f"{where} has {len(kept)} entries on record, and {len(again)} again"
        for number, (one, other) in enumerate(zip(kept, again, strict=False)):
            yield from _differences(one, other, f"{where}.{number}")
    elif canonical(kept) != canonical(again):
        yield f"{where} is {canonical(kept)} on record, and {canonical(again)} again"
