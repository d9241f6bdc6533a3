"""What no custodian's file carries in the demonstration: wishes, settings, and what may stand for what."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import F

from accounts.models import Account, CashReserve, ScheduledFlow
from accounts.tenancy import firm_scope
from portfolios.models import HoldRange, Restriction, Security
from portfolios.selectors.alternate_pages import alternate_rows, alternates_digest
from portfolios.services.alternates import set_alternates
from portfolios.services.policies import publish_policy
from rebalancer.demo.book import DemoAccount, DemoFirm, DemoModel

ACTOR = "demonstration"

POLICY = """\
# The demonstration firm's settings. docs/policies.md explains each.
[triggers]
trigger = "HYBRID"
calendar_frequency = "QUARTERLY"
class_band_absolute = 0.05
class_band_relative = 0.25
taxable_band_absolute = 0.07
minimum_trades_weight = 0.005

[trading]
minimum_trade_amount = 250

[approval]
four_eyes_turnover = 750000
"""


def load_wishes(firm_id: int, firm: DemoFirm, *, as_of: date, at: datetime) -> None:
    """What no custodian's file carries: restrictions, ranges, reserves, payments due, past rebalances, settings."""
    with firm_scope(firm_id):
        accounts = {row.number: row for row in Account.objects.for_firm(firm_id)}
        securities = {row.symbol: row for row in Security.objects.all()}
        for account in (one for household in firm.households for one in household.accounts):
            _load_wishes_of(firm_id, account, accounts[account.number], securities)
        rows = Account.objects.for_firm(firm_id).filter(last_rebalanced_on=None)
        rows.annotate(place=F("id") % 11).exclude(place=0).update(last_rebalanced_on=as_of - timedelta(days=120))
        publish_policy(firm_id=firm_id, toml=POLICY, at=at, by=ACTOR)


def _load_wishes_of(firm_id: int, wished: DemoAccount, account: Account, securities: dict[str, Security]) -> None:
    for restriction in wished.restrictions:
        Restriction.objects.for_firm(firm_id).get_or_create(
            account=account,
            security=securities[restriction.symbol],
            kind=restriction.kind,
            defaults={"reason": restriction.reason, "expires_on": restriction.expires_on},
        )
    for kept in wished.ranges:
        HoldRange.objects.for_firm(firm_id).get_or_create(
            account=account,
            security=securities[kept.symbol],
            defaults={"unit": HoldRange.Unit.SHARES, "lowest": kept.lowest, "reason": kept.reason},
        )
    for reserve in wished.reserves:
        CashReserve.objects.for_firm(firm_id).get_or_create(
            account=account,
            name=reserve.name,
            defaults={"amount": reserve.amount, "threshold": reserve.threshold},
        )
    for flow in wished.flows:
        ScheduledFlow.objects.for_firm(firm_id).get_or_create(
            account=account, name=flow.name, due_on=flow.due_on, defaults={"amount": flow.amount}
        )


def load_alternates(firm_id: int, model: DemoModel, model_id: int, at: datetime) -> None:
    """Say what stands for the securities of a published model. Twice is once."""
    securities = dict(Security.objects.filter(symbol__in=model.alternates).values_list("symbol", "id"))
    for symbol, ranks in model.alternates.items():
        set_alternates(
            firm_id=firm_id,
            model_id=model_id,
            security_id=securities[symbol],
            ranks=ranks,
            seen=alternates_digest(alternate_rows(firm_id, model_id)),
            by=ACTOR,
            at=at,
        )
