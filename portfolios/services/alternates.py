"""Saying what may be bought in place of a security of a model, as long as it is still what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.services import audit
from portfolios.models import ModelAlternate, Security, SecurityKind, TargetModel
from portfolios.selectors.alternate_pages import Ranks, alternate_rows, alternates_digest, ranks_of

MOST_RANKS = 3


class ModelNotFound(LookupError):
    """The firm has no such model."""


class AlternatesMoved(RuntimeError):
    """Somebody else changed the model's alternates since they were looked at."""


class InvalidAlternates(ValueError):
    """Alternates that cannot be; the sentence says what to change. Nothing was stored."""


@transaction.atomic
def set_alternates(
    *,
    firm_id: int,
    model_id: int,
    security_id: int,
    ranks: Sequence[Sequence[str]],
    seen: str,
    by: str,
    at: datetime,
) -> bool:
    """Let symbols stand for a security of a model, by rank, in place of those that did; whether anything changed.

    :param ranks: symbols of the first rank, of the second and so on; empty ones are left out; none at all: nothing
        stands for the security any more
    :param seen: `alternates_digest` of the model's alternates that were looked at
    :raises ModelNotFound: if the firm has no such model
    :raises InvalidAlternates: if a symbol is not known, stands twice or for itself, or is a sweep fund, which is cash;
        or if there are more than `MOST_RANKS`
    :raises AlternatesMoved: if the model's alternates are others by now; nothing is stored then
    """
    rows = _locked(firm_id, model_id, seen)
    security = Security.objects.filter(pk=security_id).exclude(kind=SecurityKind.SWEEP).first()
    if security is None:
        raise InvalidAlternates("Choose a security of the list: nothing stands for cash.")
    wanted: Ranks = tuple(tuple(sorted(rank)) for rank in ranks if rank)
    found = _securities(security.symbol, wanted)
    before = ranks_of(rows).get(security.symbol, ())
    if before == wanted:
        return False
    mine = ModelAlternate.objects.for_firm(firm_id).filter(target_model_id=model_id, security=security)
    mine.delete()
    ModelAlternate.objects.for_firm(firm_id).bulk_create(
        [
            ModelAlternate(target_model_id=model_id, security=security, alternate=found[symbol], rank=rank)
            for rank, symbols in enumerate(wanted, start=1)
            for symbol in symbols
        ]
    )
    audit.record(
        firm_id=firm_id,
        at=at,
        actor=by,
        action="ALTERNATES_SET",
        subject="model",
        subject_id=model_id,
        symbol=security.symbol,
        before=[list(rank) for rank in before],
        after=[list(rank) for rank in wanted],
    )
    return True


def _locked(firm_id: int, model_id: int, seen: str) -> list[ModelAlternate]:
    """The model's alternates, which nobody else can change until the end of the transaction."""
    if not TargetModel.objects.for_firm(firm_id).select_for_update().filter(pk=model_id).exists():
        raise ModelNotFound(model_id)
    rows = alternate_rows(firm_id, model_id)
    if alternates_digest(rows) != seen:
        raise AlternatesMoved(
            "Somebody changed this model's alternates while you worked on them, so nothing was stored. "
            "Below is what is stored now. Save again if it is still right."
        )
    return rows


def _securities(symbol: str, ranks: Ranks) -> dict[str, Security]:
    """The securities that stand for a symbol, by theirs."""
    if len(ranks) > MOST_RANKS:
        raise InvalidAlternates(f"{MOST_RANKS} ranks are enough.")
    symbols = [one for rank in ranks for one in rank]
    found = {row.symbol: row for row in Security.objects.filter(symbol__in=symbols)}
    missing = [one for one in symbols if one not in found]
    if missing:
        raise InvalidAlternates(f"{', '.join(missing)}: this installation knows no such symbol.")
    if symbol in found:
        raise InvalidAlternates(f"{symbol} cannot stand for itself.")
    twice = next((one for one in symbols if symbols.count(one) > 1), None)
    if twice:
        raise InvalidAlternates(f"{twice} stands twice: once is enough.")
    cash = next((one for one, row in found.items() if row.kind == SecurityKind.SWEEP), None)
    if cash:
        raise InvalidAlternates(f"{cash} is a sweep fund, which is cash: it cannot stand for a security.")
    return found
