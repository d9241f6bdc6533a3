"""How a firm's orders leave."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from portfolios.policy_files import BuysPaidBy, PartsOfShares, resolve
from portfolios.selectors.policies import firm_layer


@dataclass(frozen=True, slots=True)
class ExecutionTerms:
    """Weights as fractions, the rate a year, None for no limit; the defaults are the product's.

    Of the proceeds of the sales that pay for buys, `settlement_haircut_weight` stays unspent. After
    `sells_maximum_minutes` an account's buys wait no longer for its sales. A trade above `slice_volume_weight` of a
    day's volume leaves in parts, one a session. The `margin_accounts`, by number, are not under the rules of cash
    accounts. A part of a share that a custodian does not take under a limit goes to the market or is dropped
    (`parts_of_shares`). The `tier` largest trades of an account leave first; what is still needed then follows. Where a
    custodian trades in blocks, what is released within `block_window_minutes` leaves together (0: what is released at
    once), and nobody is given fewer than `block_least_shares` of a partial fill while others can take them.
    """

    settlement: BuysPaidBy = BuysPaidBy.SAME_DAY
    settlement_haircut_weight: Decimal = Decimal(0)
    sells_maximum_minutes: int | None = None
    slice_volume_weight: Decimal | None = None
    idle_cash_rate: Decimal = Decimal(0)
    margin_accounts: tuple[str, ...] = ()
    parts_of_shares: PartsOfShares = PartsOfShares.MARKET
    tier: int | None = None
    block_window_minutes: int = 1
    block_least_shares: int = 0


def execution_terms(firm_id: int) -> ExecutionTerms:
    """The firm's own settings over the product's."""
    layer = firm_layer(firm_id)
    found = resolve({}, [layer] if layer else [])
    known = {field.name for field in fields(ExecutionTerms)}
    return ExecutionTerms(**{name: setting.value for name, setting in found.items() if name in known})
