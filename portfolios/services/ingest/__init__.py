"""Applying what custodians report, the same way for files and for their API. Every call is one firm's.

`apply_*` run in the caller's transaction and tell what became of each record; `review_accounts` then says what is wrong
with the accounts they touched. A caller that wants all or nothing looks at `Result.refused` and rolls back.
"""

from accounts.services.upsert import Outcome
from portfolios.services.ingest.accounts import apply_accounts
from portfolios.services.ingest.batch import Applied, Batch, Result
from portfolios.services.ingest.holdings import apply_cash, apply_lots, apply_positions
from portfolios.services.ingest.lookups import UnknownCustodian
from portfolios.services.ingest.prices import apply_prices
from portfolios.services.ingest.problems import flag_accounts
from portfolios.services.ingest.review import review_accounts
from portfolios.services.ingest.transactions import apply_transactions

__all__ = [
    "Applied",
    "Batch",
    "Outcome",
    "Result",
    "UnknownCustodian",
    "apply_accounts",
    "apply_cash",
    "apply_lots",
    "apply_positions",
    "apply_prices",
    "apply_transactions",
    "flag_accounts",
    "review_accounts",
]
