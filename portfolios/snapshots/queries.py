"""The reads that make a book, each one query for all accounts of a shard. Money and shares come as int64 micros.

Every query is in a total order, so that the same rows make the same book.
"""

from __future__ import annotations

MICROS = "({0} * 1000000)::bigint"
EPOCH_DAY = "({0} - DATE '1970-01-01')::bigint"

ACCOUNTS = f"""
SELECT account.id, account.household_id,
    CASE account.tax_status WHEN 'TAXABLE' THEN 0 WHEN 'DEFERRED' THEN 1 ELSE 2 END::bigint AS tax_status,
    coalesce({MICROS.format("cash.settled")}, 0) AS settled,
    coalesce({MICROS.format("cash.unsettled")}, 0) AS unsettled,
    (cash.id IS NOT NULL)::int::bigint AS has_cash,
    coalesce({EPOCH_DAY.format("account.last_rebalanced_on")}, -1) AS last_rebalanced,
    coalesce({MICROS.format("reserve.amount")}, 0) AS reserve,
    coalesce({MICROS.format("reserve.threshold")}, 0) AS threshold,
    coalesce({MICROS.format("flow.leaving")}, 0) AS leaving,
    coalesce({MICROS.format("money.came")}, 0) AS contributions,
    (problem.account_id IS NOT NULL)::int::bigint AS has_problem,
    coalesce(version.target_model_id, 0) AS model_id, coalesce(version.id, 0) AS version_id,
    coalesce({EPOCH_DAY.format("greatest(version.effective_on, coalesce(own.assigned_on, shared.assigned_on))")}, -1)
        AS model_changed
FROM accounts_account account
LEFT JOIN portfolios_cashbalance cash ON cash.firm_id = account.firm_id AND cash.account_id = account.id
LEFT JOIN (
    SELECT account_id, sum(amount) AS amount, sum(threshold) AS threshold FROM accounts_cashreserve
    WHERE firm_id = %(firm)s AND coalesce(starts_on, %(on)s) <= %(on)s AND coalesce(ends_on, %(on)s) >= %(on)s
    GROUP BY account_id
) reserve ON reserve.account_id = account.id
LEFT JOIN (
    SELECT account_id, -sum(amount) AS leaving FROM accounts_scheduledflow
    WHERE firm_id = %(firm)s AND amount < 0 AND done_at IS NULL AND due_on <= %(flows_until)s GROUP BY account_id
) flow ON flow.account_id = account.id
LEFT JOIN (
    SELECT entry.account_id, sum(entry.amount) AS came FROM portfolios_transaction entry
    JOIN accounts_account into_account ON into_account.id = entry.account_id AND into_account.firm_id = entry.firm_id
    WHERE entry.firm_id = %(firm)s AND entry.kind = 'CONTRIBUTION' AND entry.trade_on <= %(on)s
      AND entry.trade_on > greatest(into_account.last_rebalanced_on, %(on)s::date - 31)
    GROUP BY entry.account_id
) money ON money.account_id = account.id
LEFT JOIN (
    SELECT DISTINCT account_id FROM portfolios_dataproblem WHERE firm_id = %(firm)s AND resolved_at IS NULL
) problem ON problem.account_id = account.id
LEFT JOIN (
    SELECT DISTINCT ON (account_id) account_id, target_model_id, assigned_on FROM portfolios_modelassignment
    WHERE firm_id = %(firm)s AND account_id IS NOT NULL AND assigned_on <= %(on)s
    ORDER BY account_id, assigned_on DESC, id DESC
) own ON own.account_id = account.id
LEFT JOIN (
    SELECT DISTINCT ON (household_id) household_id, target_model_id, assigned_on FROM portfolios_modelassignment
    WHERE firm_id = %(firm)s AND household_id IS NOT NULL AND assigned_on <= %(on)s
    ORDER BY household_id, assigned_on DESC, id DESC
) shared ON shared.household_id = account.household_id
LEFT JOIN (
    SELECT DISTINCT ON (target_model_id) target_model_id, id, effective_on FROM portfolios_modelversion
    WHERE firm_id = %(firm)s AND effective_on <= %(on)s ORDER BY target_model_id, effective_on DESC, number DESC
) version ON version.target_model_id = coalesce(own.target_model_id, shared.target_model_id)
WHERE account.firm_id = %(firm)s AND account.status = 'OPEN' AND account.household_id = ANY(%(households)s)
ORDER BY account.household_id, account.id
"""
ACCOUNT_COLUMNS = (
    "id",
    "household_id",
    "tax_status",
    "settled",
    "unsettled",
    "has_cash",
    "last_rebalanced",
    "reserve",
    "threshold",
    "leaving",
    "contributions",
    "has_problem",
    "model_id",
    "version_id",
    "model_changed",
)

# `wanted` is one of these two: a range where the accounts fill it well, which reads much faster, or a list.
IN_RANGE = "account_id BETWEEN %(first)s AND %(last)s"
IN_LIST = "account_id = ANY(%(accounts)s)"

POSITIONS = f"""
SELECT position.account_id, position.security_id, {MICROS.format("position.quantity")} AS quantity
FROM portfolios_position position
WHERE position.firm_id = %(firm)s AND {{wanted}} AND position.quantity <> 0
"""
POSITION_COLUMNS = ("account_id", "security_id", "quantity")

LOTS = f"""
SELECT lot.account_id, lot.security_id, lot.id, {EPOCH_DAY.format("lot.acquired_on")} AS acquired,
    {MICROS.format("lot.quantity")} AS quantity, coalesce({MICROS.format("lot.cost_basis")}, 0) AS cost_basis,
    (lot.cost_basis IS NOT NULL)::int::bigint AS basis_known
FROM portfolios_lot lot
WHERE lot.firm_id = %(firm)s AND {{wanted}} AND lot.quantity > 0
"""
LOT_COLUMNS = ("account_id", "security_id", "id", "acquired", "quantity", "cost_basis", "basis_known")

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
WHERE trade.firm_id = %(firm)s AND account.household_id = ANY(%(households)s)
  AND trade.trade_on > %(on)s::date - 31 AND trade.trade_on <= %(on)s
GROUP BY account.household_id, security.wash_group_id
ORDER BY account.household_id, security.wash_group_id
"""
WASH_COLUMNS = ("household_id", "wash_group_id", "sold_at_loss", "bought")
