"""What an account is traded by, beside what it holds.

Restrictions, hold ranges, alternates of its models, reserves, payments due, taxes and policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

# `inside`: every model that was ever part of another, at any depth, and each in itself.
_DIGESTS = """
WITH RECURSIVE inside (whole, part) AS (
    SELECT id, id FROM portfolios_targetmodel WHERE firm_id = %(firm)s
    UNION
    SELECT inside.whole, node.child_id FROM inside
    JOIN portfolios_modelversion version ON version.firm_id = %(firm)s AND version.target_model_id = inside.part
    JOIN portfolios_modelnode node ON node.firm_id = %(firm)s AND node.version_id = version.id
    WHERE node.child_id IS NOT NULL
), named AS (
    SELECT inside.whole, string_agg(alternate::text, ',' ORDER BY alternate.id) AS alternates
    FROM inside JOIN portfolios_modelalternate alternate
        ON alternate.firm_id = %(firm)s AND alternate.target_model_id = inside.part
    GROUP BY inside.whole
)
SELECT account.id, encode(sha256(convert_to(concat_ws(E'\\n',
    (SELECT string_agg(rule::text, ',' ORDER BY rule.id) FROM portfolios_restriction rule
        WHERE rule.firm_id = account.firm_id AND coalesce(rule.account_id, account.id) = account.id
            AND coalesce(rule.household_id, account.household_id) = account.household_id),
    (SELECT string_agg(reserve::text, ',' ORDER BY reserve.id) FROM accounts_cashreserve reserve
        WHERE reserve.firm_id = account.firm_id AND reserve.account_id = account.id),
    (SELECT string_agg(flow::text, ',' ORDER BY flow.id) FROM accounts_scheduledflow flow
        WHERE flow.firm_id = account.firm_id AND flow.account_id = account.id),
    (SELECT profile::text FROM accounts_taxprofile profile
        WHERE profile.firm_id = account.firm_id AND profile.household_id = account.household_id),
    (SELECT string_agg(policy.id::text, ',' ORDER BY policy.id) FROM portfolios_policy policy
        WHERE policy.firm_id = account.firm_id AND coalesce(policy.account_id, account.id) = account.id
            AND coalesce(policy.household_id, account.household_id) = account.household_id
            AND (policy.target_model_id IS NULL OR policy.target_model_id IN (
                SELECT assigned.target_model_id FROM portfolios_modelassignment assigned
                WHERE assigned.firm_id = account.firm_id
                    AND (assigned.account_id = account.id OR assigned.household_id = account.household_id)))),
    (SELECT string_agg(kept::text, ',' ORDER BY kept.id) FROM portfolios_holdrange kept
        WHERE kept.firm_id = account.firm_id AND kept.account_id = account.id),
    (SELECT string_agg(named.alternates, ',' ORDER BY named.whole) FROM named
        WHERE named.whole IN (SELECT assigned.target_model_id FROM portfolios_modelassignment assigned
            WHERE assigned.firm_id = account.firm_id
                AND (assigned.account_id = account.id OR assigned.household_id = account.household_id)))
), 'UTF8')), 'hex')
FROM accounts_account account WHERE account.firm_id = %(firm)s AND account.id = ANY(%(accounts)s) ORDER BY account.id
"""


def rules_digests(firm_id: int, account_ids: Sequence[int]) -> Mapping[int, str]:
    """A SHA-256 of the rules of each account: equal as long as nobody changed one."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, {"firm": firm_id, "accounts": list(account_ids)})
        return dict(cursor.fetchall())
