"""Do an account's positions, lots and cash agree? Judged anew from what is stored, after every batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from django.db import connection

from portfolios.services.ingest.problems import Found, sync_problems

SOURCE = "review"
_NAMED = 5

# One row for each security of an account that is not as it should be, and one for an account without a cash balance.
# A cash sweep fund has no lots.
_FAULTS = """
WITH held AS (
    SELECT account_id, security_id, quantity FROM portfolios_position
    WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s) AND quantity <> 0
), lots AS (
    SELECT account_id, security_id, sum(quantity) AS quantity, bool_or(cost_basis IS NULL) AS basis_missing
    FROM portfolios_lot WHERE firm_id = %(firm)s AND account_id = ANY(%(accounts)s) AND quantity > 0
    GROUP BY account_id, security_id
), both_sides AS (
    SELECT account_id, security_id, coalesce(held.quantity, 0) AS position, lots.quantity AS lots, basis_missing
    FROM held FULL JOIN lots USING (account_id, security_id)
)
SELECT account_id, code, symbol, position, lots FROM (
    SELECT account_id, 'NEGATIVE_QUANTITY' AS code, symbol, position, lots
    FROM both_sides JOIN portfolios_security security ON security.id = security_id WHERE position < 0
    UNION ALL
    SELECT account_id, 'NO_LOTS', symbol, position, lots
    FROM both_sides JOIN portfolios_security security ON security.id = security_id
    WHERE position > 0 AND lots IS NULL AND kind <> 'SWEEP'
    UNION ALL
    SELECT account_id, 'LOTS_DO_NOT_SUM', symbol, position, lots
    FROM both_sides JOIN portfolios_security security ON security.id = security_id
    WHERE position >= 0 AND lots <> position
    UNION ALL
    SELECT account_id, 'MISSING_BASIS', symbol, position, lots
    FROM both_sides JOIN portfolios_security security ON security.id = security_id WHERE basis_missing
    UNION ALL
    SELECT DISTINCT account_id, 'NO_CASH', '', 0::numeric, 0::numeric FROM held WHERE NOT EXISTS (
        SELECT FROM portfolios_cashbalance cash WHERE cash.firm_id = %(firm)s AND cash.account_id = held.account_id)
) fault
ORDER BY account_id, code, symbol
"""

Fault = tuple[int, str, str, Decimal, Decimal | None]


def review_accounts(*, firm_id: int, account_ids: Collection[int], at: datetime, file_id: int | None = None) -> None:
    """Open a problem for what does not agree in these accounts, and resolve those that no longer hold.

    Runs in the caller's transaction. An account has one problem of a kind; its sentence names the securities.
    """
    if not account_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_FAULTS, {"firm": firm_id, "accounts": sorted(account_ids)})
        faults: list[Fault] = cursor.fetchall()
    sync_problems(firm_id=firm_id, source=SOURCE, found=_found(faults), settled=account_ids, at=at, file_id=file_id)


def _found(faults: Sequence[Fault]) -> Iterator[Found]:
    for (account_id, code), group in groupby(faults, key=lambda fault: fault[:2]):
        yield Found(account_id, code, _sentence(code, list(group)))


def _sentence(code: str, faults: Sequence[Fault]) -> str:
    symbols = _listed([symbol for _, _, symbol, _, _ in faults])
    if code == "NEGATIVE_QUANTITY":
        return f"The custodian reports fewer than no shares of {symbols}; short positions are not traded here."
    if code == "NO_LOTS":
        return f"There are no tax lots for {symbols}; gains cannot be computed until they come."
    if code == "MISSING_BASIS":
        return f"The cost basis of {symbols} is missing; gains cannot be computed until it is known."
    if code == "NO_CASH":
        return "No cash balance has been reported for this account."
    amounts = [f"{symbol}: {_plain(lots)} in lots, {_plain(held)} held" for _, _, symbol, held, lots in faults]
    return f"The tax lots do not make the position. {_listed(amounts, '; ')}."


def _listed(names: Sequence[str], separator: str = ", ") -> str:
    rest = len(names) - _NAMED
    return separator.join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _plain(quantity: Decimal | None) -> str:
    return f"{(quantity or Decimal(0)).normalize():,f}"
