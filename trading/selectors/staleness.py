"""Whether what a proposal was made from still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from accounts.models import Account
from portfolios.selectors.holdings import holdings_digests, newest_closes
from portfolios.selectors.rules import rules_digests
from portfolios.selectors.targets import current_versions
from trading.models import Proposal, ProposalAccount

PRICE_TOLERANCE = Decimal("0.02")
HOLDINGS, RULES = "holdings_sha256", "rules_sha256"
INPUTS: Mapping[str, str] = {
    HOLDINGS: "Holdings or cash of",
    RULES: "Restrictions, hold ranges, alternates, reserves, payments due, taxes or the policy of",
}
"""What an account's part of a proposal keeps digests of, and how it is called."""
BESIDE = "beside"
"""In a proposal's settings: the same digests of the household's accounts that do not trade."""


def input_digests(firm_id: int, account_ids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
    """By account, the digests of what a proposal is made from beside prices and the model."""
    holdings, rules = holdings_digests(firm_id, account_ids), rules_digests(firm_id, account_ids)
    return {account: {HOLDINGS: digest, RULES: rules[account]} for account, digest in holdings.items()}


def why_stale(firm_id: int, proposal: Proposal) -> str:
    """A sentence that says what changed since the proposal was made; empty if nothing did."""
    return why_each_is_stale(firm_id, [proposal]).get(proposal.pk, "")


def why_each_is_stale(firm_id: int, proposals: Sequence[Proposal]) -> Mapping[int, str]:
    """By proposal, a sentence that says what changed since it was made; those of which nothing did are absent.

    Looks at holdings, lots and cash, the rules of each account of the household (a purchase in one may wash a loss in
    another), the model's version, and prices of what it trades (2 % either way).
    """
    rows = ProposalAccount.objects.for_firm(firm_id).filter(proposal__in=proposals).select_related("account")
    parts: dict[int, list[ProposalAccount]] = {proposal.pk: [] for proposal in proposals}
    for row in rows.defer("scenarios", "figures", "skipped").order_by("id"):
        parts[row.proposal_id].append(row)
    kept = {one.pk: {part.account_id: part.inputs for part in parts[one.pk]} | _beside(one) for one in proposals}
    digests = input_digests(firm_id, sorted({account for accounts in kept.values() for account in accounts}))
    versions = _versions(firm_id, proposals, parts)
    traded = {trade["symbol"] for found in parts.values() for part in found for trade in part.trades}
    closes = newest_closes(firm_id, sorted(traded))
    stale = {}
    for one in proposals:
        sentence = (
            _changed(firm_id, kept[one.pk], digests)
            or _other_version(parts[one.pk], versions[one.as_of])
            or _moved_price(parts[one.pk], closes)
        )
        if sentence:
            stale[one.pk] = sentence
    return stale


def _beside(proposal: Proposal) -> dict[int, Mapping[str, str]]:
    return {int(account): digests for account, digests in proposal.settings.get(BESIDE, {}).items()}


def _changed(firm_id: int, kept: Mapping[int, Mapping[str, str]], digests: Mapping[int, Mapping[str, str]]) -> str:
    """What is otherwise than it was kept, of the first account where anything is."""
    for account, inputs in kept.items():
        for name, words in INPUTS.items():
            if name in inputs and digests.get(account, {}).get(name) != inputs[name]:
                which = Account.objects.for_firm(firm_id).get(pk=account)
                return f"{words} {which} changed after this proposal was made. Scan again."
    return ""


def _versions(
    firm_id: int, proposals: Sequence[Proposal], parts: Mapping[int, Sequence[ProposalAccount]]
) -> Mapping[date, Mapping[int, int]]:
    """By the day of proposals: the version that each of their accounts follows."""
    accounts: dict[date, list[int]] = {proposal.as_of: [] for proposal in proposals}
    for proposal in proposals:
        accounts[proposal.as_of] += [part.account_id for part in parts[proposal.pk]]
    return {as_of: current_versions(firm_id, members, as_of) for as_of, members in accounts.items()}


def _other_version(parts: Sequence[ProposalAccount], versions: Mapping[int, int]) -> str:
    for part in parts:
        if versions.get(part.account_id) != part.model_version_id:
            return f"The target model of {part.account} changed after this proposal was made. Scan again."
    return ""


def _moved_price(parts: Sequence[ProposalAccount], now: Mapping[str, Decimal]) -> str:
    then = {trade["symbol"]: Decimal(trade["price"]) for part in parts for trade in part.trades}
    for symbol in sorted(then):
        if symbol not in now:
            return f"{symbol} has no price any more. Scan again."
        if abs(now[symbol] / then[symbol] - 1) > PRICE_TOLERANCE:
            return f"{symbol} moved from ${then[symbol]:,.2f} to ${now[symbol]:,.2f}. Scan again."
    return ""
