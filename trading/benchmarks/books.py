"""A large book for benchmarks, written by the database itself in a few seconds."""

from __future__ import annotations

from django.db import connections, transaction

SECURITIES = 30
POSITIONS = 15

# A model of fifteen securities of equal weight; positions of random size about the target, so that some drift.
_FILL = """
SELECT setseed(0.7);
INSERT INTO accounts_firm (name, slug, created_at) VALUES ('Bench', 'bench', now());
SELECT set_config('app.firm_id', (SELECT id::text FROM accounts_firm), false);
INSERT INTO accounts_custodian (code, name) VALUES ('BENCH', 'Bench');
INSERT INTO portfolios_assetclass (code, name, position) SELECT 'C' || g, 'Class ' || g, g FROM generate_series(1, 5) g;
INSERT INTO portfolios_washgroup (code, name, rationale)
    SELECT 'W' || g, 'Group ' || g, 'Alone.' FROM generate_series(1, {securities}) g;
INSERT INTO portfolios_security (symbol, cusip, name, kind, asset_class_id, wash_group_id, is_fractionable, round_lot)
    SELECT 'S' || g, '', 'Security ' || g, 'ETF', class.id, wash.id, false, 1 FROM generate_series(1, {securities}) g
    JOIN portfolios_assetclass class ON class.code = 'C' || (1 + g % 5)
    JOIN portfolios_washgroup wash ON wash.code = 'W' || g;
INSERT INTO portfolios_price (security_id, priced_on, close, bid, ask, adv_shares, source)
    SELECT id, DATE '2026-11-20', 100, 99.99, 100.01, 5000000, 'BENCH' FROM portfolios_security;
INSERT INTO accounts_household (firm_id, name, external_id)
    SELECT firm.id, 'Household ' || g, 'H' || g FROM accounts_firm firm, generate_series(1, {accounts} * 2 / 5) g;
INSERT INTO accounts_account (firm_id, household_id, custodian_id, number, name, registration, tax_status, status,
        last_rebalanced_on)
    SELECT household.firm_id, household.id, custodian.id, 'N' || household.id || '-' || g, 'Account', 'INDIVIDUAL',
        'TAXABLE', 'OPEN', DATE '2026-10-01'
    FROM accounts_household household, accounts_custodian custodian, generate_series(1, 3) g
    ORDER BY household.id, g LIMIT {accounts};
INSERT INTO portfolios_targetmodel (firm_id, code, name) SELECT id, 'M', 'Model' FROM accounts_firm;
INSERT INTO portfolios_modelversion (firm_id, target_model_id, number, effective_on, published_at)
    SELECT firm_id, id, 1, DATE '2026-01-02', now() FROM portfolios_targetmodel;
INSERT INTO portfolios_modelnode (firm_id, version_id, security_id, is_cash, weight)
    SELECT version.firm_id, version.id, security.id, false, 0.064 FROM portfolios_modelversion version,
        (SELECT id FROM portfolios_security ORDER BY id LIMIT {positions}) security;
INSERT INTO portfolios_modelnode (firm_id, version_id, is_cash, weight)
    SELECT firm_id, id, true, 0.04 FROM portfolios_modelversion;
INSERT INTO portfolios_modelassignment (firm_id, household_id, target_model_id, assigned_on)
    SELECT household.firm_id, household.id, model.id, DATE '2026-01-02'
    FROM accounts_household household, portfolios_targetmodel model;
INSERT INTO portfolios_cashbalance (firm_id, account_id, settled, unsettled, reported_on)
    SELECT firm_id, id, 4000, 0, DATE '2026-11-20' FROM accounts_account;
INSERT INTO portfolios_position (firm_id, account_id, security_id, quantity, reported_on)
    SELECT account.firm_id, account.id, security.id, (64 * (0.8 + 0.4 * random())
        * CASE WHEN account.id % 8 = 0 AND security.id % 5 = 0 THEN 1.9 ELSE 1 END)::int, DATE '2026-11-20'
    FROM accounts_account account, (SELECT id FROM portfolios_security ORDER BY id LIMIT {positions}) security
    ORDER BY account.id, security.id;
"""


def fill_book(accounts: int) -> int:
    """Write one firm with that many accounts of fifteen positions each, and give back its id."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for statement in _FILL.format(accounts=accounts, securities=SECURITIES, positions=POSITIONS).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("ANALYZE")
        cursor.execute("SELECT id FROM accounts_firm")
        return int(cursor.fetchone()[0])
