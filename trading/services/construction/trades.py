"""The trades of an approved proposal, with what their orders need besides, cut into the orders that carry them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accounts.models import Account
from portfolios.models import Security, SecurityKind
from portfolios.selectors.execution import ExecutionTerms
from portfolios.selectors.quotes import Quote, newest_quotes, newest_volumes
from rebalancer.engine.fees import Side
from rebalancer.engine.money import cents, times
from trading.connections import takes_dollars_of_funds
from trading.models import BrokerConnection, ProposalAccount
from trading.services.construction.children import DROPPED, Construction, children_of
from trading.services.construction.tiers import tiers_of
from trading.services.limits import kind_of

Skipped = dict[int, list[dict[str, Any]]]
"""Entries for what is left out, by proposal."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a proposal, with what an order needs besides."""

    proposal_id: int
    account: Account
    connection: BrokerConnection
    security: Security
    quote: Quote | None
    trade: Mapping[str, Any]
    kind: str
    place: int
    """Among the trades of its account."""
    tier: int = 1
    session: int = 1
    part: int = 1
    parts: int = 1

    @property
    def side(self) -> Side:
        return Side(self.trade["side"])

    @property
    def lots(self) -> list[tuple[int, Decimal]]:
        """Ids of the lots that a sale names, and the shares of each."""
        return [(int(lot["lot_id"]), Decimal(lot["quantity"])) for lot in self.trade["lots"]]

    @property
    def economics(self) -> tuple[object, ...]:
        """All that tells its order from every other of the proposal."""
        what = (self.account.pk, self.security.symbol, self.side, self.trade["quantity"], self.kind)
        return (*what, self.place, self.part, self.parts)

    @property
    def amount(self) -> Decimal:
        """Dollars at the price that was approved."""
        return times(Decimal(self.trade["quantity"]), Decimal(self.trade["price"]))

    @property
    def dollars(self) -> Decimal | None:
        """What a purchase of a mutual fund is to cost, to the cent, where its custodian takes such orders."""
        if self.security.kind != SecurityKind.MUTUAL_FUND or self.side is Side.SELL:
            return None
        line = self.connection
        return cents(self.amount) if takes_dollars_of_funds(line.adapter, line.capabilities) else None


def trades_of(firm_id: int, parts: Sequence[ProposalAccount], lines: Mapping[int, BrokerConnection]) -> list[Trade]:
    """Every trade of these accounts, in the order in which they were approved; `lines` are by custodian."""
    symbols = {trade["symbol"] for part in parts for trade in part.trades}
    securities = {security.symbol: security for security in Security.objects.filter(symbol__in=symbols)}
    quotes = newest_quotes(firm_id, [security.pk for security in securities.values()])
    return [
        Trade(
            proposal_id=part.proposal_id,
            account=part.account,
            connection=lines[part.account.custodian_id],
            security=securities[trade["symbol"]],
            quote=quotes.get(securities[trade["symbol"]].pk),
            trade=trade,
            kind=kind_of(securities[trade["symbol"]].kind),
            place=place,
        )
        for part in parts
        for place, trade in enumerate(part.trades)
    ]


def constructed(trades: Sequence[Trade], terms: ExecutionTerms) -> tuple[list[Trade], Skipped]:
    """The trades as the orders that carry them out, and what is left out of them, with its reason, by proposal."""
    sliced = terms.slice_volume_weight is not None
    volumes = newest_volumes(sorted({trade.security.pk for trade in trades})) if sliced else {}
    tiers = tiers_of(
        [((trade.proposal_id, trade.account.pk), trade.side, trade.amount) for trade in trades], terms.tier
    )
    found: list[Trade] = []
    skipped: Skipped = defaultdict(list)
    for trade, tier in zip(trades, tiers, strict=True):
        line = trade.connection
        made = children_of(
            trade.trade,
            Construction(
                kind=trade.kind,
                adapter=line.adapter,
                capabilities=line.capabilities,
                parts_of_shares=terms.parts_of_shares,
                slice_volume_weight=terms.slice_volume_weight,
                volume=volumes.get(trade.security.pk),
            ),
        )
        found += [
            replace(
                trade,
                trade=one.trade,
                kind=one.kind,
                tier=tier,
                session=one.session,
                part=number,
                parts=len(made.children),
            )
            for number, one in enumerate(made.children, start=1)
        ]
        if made.dropped:
            skipped[trade.proposal_id].append(_dropped(trade, made.dropped))
    return found, skipped


def _dropped(trade: Trade, quantity: Decimal) -> dict[str, Any]:
    return {
        "symbol": trade.security.symbol,
        "side": str(trade.side),
        "quantity": f"{quantity.normalize():f}",
        "account_id": trade.account.pk,
        "reason": DROPPED.format(custodian=trade.connection.custodian.name),
    }
