"""The client's page: whether he is on plan, what was done and why, in plain words. His own household and no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Household, ScheduledFlow
from accounts.selectors.members import Member
from portfolios.figures import money_text, points_text, shares_text
from portfolios.selectors.household_holdings import household_accounts
from portfolios.snapshots.standings import standings, summed_classes
from rebalancer.engine.money import cents, times
from trading.lifecycle import TERMINAL
from trading.models import Order, Proposal
from trading.selectors.reasons import reasons_by_scan

NEW_YORK = ZoneInfo("America/New_York")
ZERO = Decimal(0)
STORIES = 12
AHEAD = timedelta(days=90)

# What the scan found: the headline that the trades make of it, and the clause that explains it to a client.
STORY: Mapping[str, tuple[str, str]] = {
    "WITHDRAWAL_DUE": ("We raised the money for your withdrawal", "a payment to you was coming up"),
    "NEGATIVE_CASH": ("We topped up your cash", "an account had run out of cash"),
    "LOW_CASH": ("We topped up your cash", "cash had fallen below what your plan keeps ready"),
    "MODEL_CHANGED": ("We moved you to the new plan", "the mix your plan aims at had changed"),
    "BAND_BREACHED": ("We brought your mix back to plan", "markets had moved your mix away from the plan"),
    "NEW_MONEY": ("We invested the money you added", "new money had come in"),
    "HIGH_CASH": ("We put idle cash to work", "more money sat in cash than your plan asks for"),
    "CALENDAR": ("We made your regular adjustment", "the date for the regular adjustment had come"),
    "NEVER_REBALANCED": ("We put your plan in place", "your accounts had not been set to the plan before"),
}
OTHER = ("We traded for you", "your adviser decided so")


def client_page(member: Member, *, on: date) -> dict[str, Any] | None:
    """The page of the member's own household as of a day; nothing for a member who has none."""
    if member.household_id is None:
        return None
    firm_id = member.firm_id
    rows = Household.objects.for_firm(firm_id).select_related("adviser__user")
    household = rows.filter(pk=member.household_id).first()
    if household is None:
        return None
    standing = list(standings(firm_id, [household.pk], on).values())
    classes = summed_classes(standing)
    proposals = _approved(firm_id, household.pk)
    orders = _orders(firm_id, proposals)
    found = reasons_by_scan(firm_id, household.pk, [proposal.scan_id for proposal in proposals])
    accounts = household_accounts(firm_id, household.pk)
    adviser = household.adviser.user if household.adviser else None
    return {
        "client": {"name": member.name, "first_name": member.name.split(" ")[0]},
        "value": sum((account["value"] for account in accounts), ZERO),
        "as_of_on": on,
        **_verdict(classes, [order for group in orders.values() for order in group]),
        "classes": classes,
        "adviser": {"name": str(adviser), "email": adviser.email, "phone": None} if adviser else None,
        "timeline": [
            _story(proposal, orders.get(proposal.pk, []), found.get(proposal.scan_id, set())) for proposal in proposals
        ],
        "accounts": accounts,
        "upcoming": _upcoming(firm_id, household.pk, on),
    }


def _verdict(classes: Sequence[Mapping[str, Any]], orders: Sequence[Order]) -> dict[str, Any]:
    """`tone` of the sentence: GOOD, BUSY while orders are under way, WARN when somebody has to look."""
    if any(order.status not in TERMINAL for order in orders):
        sentence, tone, label = "We are trading for you right now.", "BUSY", "Trades under way"
    elif not classes:
        sentence, tone, label = "Your accounts have no plan on record yet.", "WARN", "No plan yet"
    elif any(row["breached"] for row in classes):
        sentence, tone, label = (
            "Your mix has moved away from its plan, and we are looking at it.",
            "WARN",
            "Away from plan",
        )
    else:
        sentence, tone, label = "Your portfolio is on plan.", "GOOD", "On plan"
    return {"sentence": sentence, "tone": tone, "tone_label": label, "on_plan": tone == "GOOD"}


def _approved(firm_id: int, household_id: int) -> list[Proposal]:
    rows = Proposal.objects.for_firm(firm_id).filter(household_id=household_id, status=Proposal.Status.APPROVED)
    return list(rows.order_by("-decided_at", "-id")[:STORIES])


def _orders(firm_id: int, proposals: Sequence[Proposal]) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = {}
    rows = Order.objects.for_firm(firm_id).filter(run__proposal__in=proposals)
    for order in rows.select_related("run", "account", "security").order_by("account__name", "-side", "id"):
        if order.run:
            found.setdefault(order.run.proposal_id, []).append(order)
    return found


def _story(proposal: Proposal, orders: Sequence[Order], found: AbstractSet[str]) -> dict[str, Any]:
    codes = [code for code in STORY if code in found]
    headline = STORY[codes[0]][0] if codes else OTHER[0]
    because = " and ".join(STORY[code][1] for code in codes[:2]) or OTHER[1]
    decided = proposal.decided_at or proposal.created_at
    return {
        "on": decided.astimezone(NEW_YORK).date(),
        "title": headline,
        "sentence": f"{because[0].upper()}{because[1:]}. {_done(orders)} {_effect(proposal)}",
        "details": [_step(order) for order in orders],
        "reference": f"Proposal {proposal.pk}",
    }


def _done(orders: Sequence[Order]) -> str:
    sold, bought = _traded(orders, Order.Side.SELL), _traded(orders, Order.Side.BUY)
    if not sold and not bought:
        return "The trades have not been carried out yet."
    parts = [f"{verb} {money_text(amount, 0)}" for verb, amount in (("sold", sold), ("bought", bought)) if amount]
    so_far = "" if all(order.status in TERMINAL for order in orders) else "So far we "
    return f"{so_far or 'We '}{' and '.join(parts)}."


def _traded(orders: Sequence[Order], side: str) -> Decimal:
    return sum((_amount(order) for order in orders if order.side == side), ZERO)


def _amount(order: Order) -> Decimal:
    return cents(times(order.cum_quantity, order.average_price or ZERO))


def _effect(proposal: Proposal) -> str:
    before, after = points_text(proposal.drift_before), points_text(proposal.drift_after)
    effect = f"This takes your mix from {before} to {after} percentage points away from the plan"
    return f"{effect}; the tax on it is about {money_text(proposal.tax, 0)}." if proposal.tax > 0 else f"{effect}."


def _step(order: Order) -> str:
    what = f"{order.security.name} ({order.security.symbol}) in {order.holder.name}"
    verb = "Sold" if order.side == Order.Side.SELL else "Bought"
    if order.cum_quantity:
        price = money_text(order.average_price)
        return f"{verb} {shares_text(order.cum_quantity)} of {what} at {price}: {money_text(_amount(order))}."
    if order.status in TERMINAL:
        return f"Not traded: {shares_text(order.quantity)} of {what}. The order ended without a fill."
    return f"Waiting to {'sell' if verb == 'Sold' else 'buy'} {shares_text(order.quantity)} of {what}."


def _upcoming(firm_id: int, household_id: int, on: date) -> list[dict[str, Any]]:
    rows = ScheduledFlow.objects.for_firm(firm_id).filter(
        account__household_id=household_id, done_at=None, due_on__gte=on, due_on__lte=on + AHEAD
    )
    return [{"on": row.due_on, "label": row.name, "amount": row.amount} for row in rows.order_by("due_on", "id")]
