"""The reads that make a book, each one query for all accounts of a shard. Money and shares come as int64 micros.

`{wanted}` in a query stands for the condition on accounts or households that `columns.fetch_of` puts there.
"""

from __future__ import annotations

MICROS = "({0} * 1000000)::bigint"
EPOCH_DAY = "({0} - DATE '1970-01-01')::bigint"

ACCOUNTS = f"""
SELECT account.id, account.household_id,
    CASE account.tax_status WHEN 'TAXABLE' THEN 0 WHEN 'DEFERRED' THEN 1 ELSE 2 END::bigint AS tax_status,
    coalesce({EPOCH_DAY.format("account.last_rebalanced_on")}, -1) AS last_rebalanced
FROM accounts_account account
WHERE account.firm_id = %(firm)s AND account.status = 'OPEN' AND {{wanted}}
"""
ACCOUNT_COLUMNS = ("id", "household_id", "tax_status", "last_rebalanced")

CASH = f"""
SELECT account_id, {MICROS.format("settled")} AS settled, {MICROS.format("unsettled")} AS unsettled
FROM portfolios_cashbalance
WHERE firm_id = %(firm)s AND {{wanted}}
"""
RESERVES = f"""
SELECT account_id, {MICROS.format("sum(amount)")} AS reserve, {MICROS.format("sum(threshold)")} AS threshold
FROM accounts_cashreserve
WHERE firm_id = %(firm)s AND {{wanted}}
    AND coalesce(starts_on, %(on)s) <= %(on)s AND coalesce(ends_on, %(on)s) >= %(on)s
GROUP BY account_id
"""
LEAVING = f"""
SELECT account_id, {MICROS.format("-sum(amount)")} AS leaving FROM accounts_scheduledflow
WHERE firm_id = %(firm)s AND {{wanted}} AND amount < 0 AND done_at IS NULL AND due_on <= %(flows_until)s
GROUP BY account_id
"""
# What came in since the last rebalance, but no longer than a month ago.
CONTRIBUTIONS = f"""
SELECT entry.account_id, {MICROS.format("sum(entry.amount)")} AS contributions FROM portfolios_transaction entry
JOIN accounts_account account ON account.id = entry.account_id AND account.firm_id = entry.firm_id
WHERE entry.firm_id = %(firm)s AND {{wanted}} AND entry.kind = 'CONTRIBUTION' AND entry.trade_on <= %(on)s
    AND entry.trade_on > greatest(account.last_rebalanced_on, %(on)s::date - 31)
GROUP BY entry.account_id
"""
PROBLEMS = """
SELECT DISTINCT account_id, 1::bigint AS has_problem FROM portfolios_dataproblem
WHERE firm_id = %(firm)s AND {wanted} AND resolved_at IS NULL
"""
OF_ACCOUNTS = (
    (CASH, ("settled", "unsettled")),
    (RESERVES, ("reserve", "threshold")),
    (LEAVING, ("leaving",)),
    (CONTRIBUTIONS, ("contributions",)),
    (PROBLEMS, ("has_problem",)),
)
"""What accounts have at most one row of, each with the names of its columns; the others have zero."""

# All assignments so far: which is the newest is found out of them, since few owners have had more than one.
OWN_MODELS = f"""
SELECT account_id, id, target_model_id AS model_id, {EPOCH_DAY.format("assigned_on")} AS assigned
FROM portfolios_modelassignment
WHERE firm_id = %(firm)s AND {{wanted}} AND assigned_on <= %(on)s
"""
OWN_MODEL_COLUMNS = ("account_id", "id", "model_id", "assigned")

SHARED_MODELS = f"""
SELECT household_id, id, target_model_id AS model_id, {EPOCH_DAY.format("assigned_on")} AS assigned
FROM portfolios_modelassignment
WHERE firm_id = %(firm)s AND {{wanted}} AND assigned_on <= %(on)s
"""
SHARED_MODEL_COLUMNS = ("household_id", "id", "model_id", "assigned")

VERSIONS = f"""
SELECT DISTINCT ON (target_model_id) target_model_id AS model_id, id AS version_id,
    {EPOCH_DAY.format("effective_on")} AS effective
FROM portfolios_modelversion WHERE firm_id = %(firm)s AND effective_on <= %(on)s
ORDER BY target_model_id, effective_on DESC, number DESC
"""
VERSION_COLUMNS = ("model_id", "version_id", "effective")

# Account and security travel as one number: the account's id less `base`, times `span`, plus the security's id, which
# is below the span.
POSITIONS = f"""
SELECT (account_id - %(base)s) * %(span)s + security_id AS held, {MICROS.format("quantity")} AS quantity
FROM portfolios_position
WHERE firm_id = %(firm)s AND {{wanted}}
"""
POSITION_COLUMNS = ("held", "quantity")

LOTS = f"""
SELECT (lot.account_id - %(base)s) * %(span)s + lot.security_id AS held, lot.id,
    {EPOCH_DAY.format("lot.acquired_on")} AS acquired, {MICROS.format("lot.quantity")} AS quantity,
    coalesce({MICROS.format("lot.cost_basis")}, 0) AS cost_basis,
    (lot.cost_basis IS NOT NULL)::int::bigint AS basis_known
FROM portfolios_lot lot
WHERE lot.firm_id = %(firm)s AND {{wanted}} AND lot.quantity > 0
"""
LOT_COLUMNS = ("held", "id", "acquired", "quantity", "cost_basis", "basis_known")

# Lots worth less than they cost: all that the harvesting trigger looks at, and few.
LOSS_LOTS = (
    LOTS
    + """
AND lot.cost_basis > lot.quantity * (
    SELECT close FROM (
        SELECT close, priced_on, 1 AS own FROM portfolios_firmprice
        WHERE firm_id = %(firm)s AND security_id = lot.security_id AND priced_on <= %(on)s
        UNION ALL
        SELECT close, priced_on, 0 FROM portfolios_price
        WHERE security_id = lot.security_id AND priced_on <= %(on)s
    ) quote ORDER BY priced_on DESC, own DESC LIMIT 1
)
"""
)

# The newest quote of each security by the day of the book; the firm's own wins on the same day.
QUOTES = f"""
SELECT DISTINCT ON (security_id) security_id, {EPOCH_DAY.format("priced_on")} AS priced,
    {MICROS.format("close")} AS close, {MICROS.format("bid")} AS bid, {MICROS.format("ask")} AS ask, adv_shares AS adv
FROM (
    SELECT security_id, priced_on, close, bid, ask, adv_shares, 1 AS own
    FROM portfolios_firmprice WHERE firm_id = %(firm)s AND priced_on <= %(on)s
    UNION ALL
    SELECT security_id, priced_on, close, bid, ask, adv_shares, 0 FROM portfolios_price WHERE priced_on <= %(on)s
) quote ORDER BY security_id, priced_on DESC, own DESC
"""
QUOTE_COLUMNS = ("security_id", "priced", "close", "bid", "ask", "adv")

# Thirty days back is the part of the wash window that history decides (IRC 1091(a)).
WASH = f"""
SELECT account.household_id, security.wash_group_id,
    coalesce(max({EPOCH_DAY.format("trade.trade_on")}) FILTER (WHERE trade.kind = 'SELL' AND (
        trade.realised_short < 0 OR trade.realised_long < 0 OR EXISTS (
            SELECT FROM portfolios_disposal disposal WHERE disposal.firm_id = trade.firm_id
            AND disposal.transaction_id = trade.id AND disposal.gain < 0))), -1) AS sold_at_loss,
    coalesce(max({EPOCH_DAY.format("trade.trade_on")}) FILTER (
        WHERE trade.kind IN ('BUY', 'REINVESTMENT')), -1) AS bought
FROM portfolios_transaction trade
JOIN accounts_account account ON account.firm_id = trade.firm_id AND account.id = trade.account_id
JOIN portfolios_security security ON security.id = trade.security_id
WHERE trade.firm_id = %(firm)s AND {{wanted}}
  AND trade.trade_on > %(on)s::date - 31 AND trade.trade_on <= %(on)s
GROUP BY account.household_id, security.wash_group_id
ORDER BY account.household_id, security.wash_group_id
"""
WASH_COLUMNS = ("household_id", "wash_group_id", "sold_at_loss", "bought")
