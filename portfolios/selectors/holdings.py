"""What accounts hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import connection

_DIGESTS = """
SELECT account.id, encode(sha256(convert_to(concat_ws(E'\\n',
    (SELECT string_agg(concat_ws(' ', security_id, quantity), ',' ORDER BY security_id)
        FROM portfolios_position held WHERE held.firm_id = account.firm_id AND held.account_id = account.id),
    (SELECT string_agg(concat_ws(' ', lot.id, quantity, cost_basis, acquired_on), ',' ORDER BY lot.id)
        FROM portfolios_lot lot
        WHERE lot.firm_id = account.firm_id AND lot.account_id = account.id AND lot.quantity > 0),
    (SELECT concat_ws(' ', settled, unsettled) FROM portfolios_cashbalance cash
        WHERE cash.firm_id = account.firm_id AND cash.account_id = account.id)
), 'UTF8')), 'hex')
FROM accounts_account account WHERE account.firm_id = %s AND account.id = ANY(%s) ORDER BY account.id
"""

_PRICES = """
SELECT DISTINCT ON (security.symbol) security.symbol, quote.close
FROM portfolios_security security
JOIN (
    SELECT security_id, priced_on, close, 1 AS own FROM portfolios_firmprice WHERE firm_id = %(firm)s
    UNION ALL
    SELECT security_id, priced_on, close, 0 FROM portfolios_price
) quote ON quote.security_id = security.id
WHERE security.symbol = ANY(%(symbols)s)
ORDER BY security.symbol, quote.priced_on DESC, quote.own DESC
"""


def holdings_digests(firm_id: int, account_ids: Sequence[int]) -> Mapping[int, str]:
    """A SHA-256 of each account's positions, lots and cash: equal as long as nothing there moved."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, [firm_id, list(account_ids)])
        return dict(cursor.fetchall())


def newest_closes(firm_id: int, symbols: Sequence[str]) -> Mapping[str, Decimal]:
    """Each symbol's newest close as this firm sees it, dollars a share; its own price wins on the same day."""
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, {"firm": firm_id, "symbols": list(symbols)})
        return dict(cursor.fetchall())
