"""Topics about wash sales: what is disallowed, what a broker reports, what is open, and what is identical."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal

from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.prose import Clause, Stated, stated
from rebalancer.engine.cases.reading import BadCase, Inputs, Json, as_decimal
from rebalancer.engine.cases.tax import SHORT_NAMES
from rebalancer.engine.money import ZERO, times, total
from rebalancer.engine.wash_sales.default_table import DEFAULT_TABLE
from rebalancer.engine.wash_sales.equivalents import Finding, Likeness, Verdict
from rebalancer.engine.wash_sales.figures import WashReport, report
from rebalancer.engine.wash_sales.records import (
    Account,
    AccountKind,
    Disposal,
    OpenLot,
    Origin,
    Purchase,
    Sale,
    Washed,
    WashPolicy,
)

KIND_WORDS: tuple[tuple[str, AccountKind], ...] = (
    ("roth", AccountKind.ROTH_IRA),
    ("ira", AccountKind.IRA),
    ("hsa", AccountKind.HSA),
    ("401", AccountKind.WORKPLACE_PLAN),
    ("403", AccountKind.WORKPLACE_PLAN),
    ("plan", AccountKind.WORKPLACE_PLAN),
    ("spouse", AccountKind.SPOUSE),
    ("corporation", AccountKind.CORPORATION),
)
"""Words that an account's name may hold; the first counts, and an account with none of them is taxable."""

ORIGINS: Mapping[str, Origin] = {
    **{origin.value: origin for origin in Origin},
    "BUY": Origin.PURCHASE,
    "DRIP": Origin.REINVESTMENT,
    "DIVIDEND": Origin.REINVESTMENT,
    "RSU": Origin.VESTING,
    "OPTION": Origin.CONTRACT,
    "INHERITED": Origin.INHERITANCE,
}
ONE_SECURITY = "X"
ONE_SHARE = Decimal(1)
SOME_DAY = date(2026, 6, 1)

CLASSES: Mapping[Likeness, str] = {
    Likeness.SAME_SECURITY: "BLOCK_SAME_SECURITY",
    Likeness.SHARE_CLASS: "BLOCK_SHARE_CLASS",
    Likeness.SAME_INDEX: "SAME_INDEX_BLOCK",
    Likeness.OTHER_INDEX: "DIFF_INDEX_ALLOW",
    Likeness.OTHER_COMPANY: "DIFF_ISSUER_ALLOW",
}


def wash_sale(inputs: Inputs) -> Answer:
    """Every part of a lot that was sold, in order of disposition; what is left in the order of the acquisitions."""
    purchases = [_purchase(row) for row in inputs.rows("acquisitions", "purchases", "buys")]
    places = {purchase.lot_id: place for place, purchase in enumerate(purchases)}
    sales = [_sale(row, at) for at, row in enumerate(inputs.rows("sales"))]
    found = _report(purchases, sales, inputs)
    household = found.household
    return {
        "rows": [_row(disposal) for disposal in household.disposals],
        "open_lots": [_open_lot(lot) for lot in sorted(household.open_lots, key=lambda lot: places[lot.lot_id])],
        "disallowed": household.disallowed(),
        "permanently_lost": household.permanently_lost(),
        "recognized": household.recognised(),
        "broker_1099B_box_1g": found.broker.disallowed(),
    }


def wash_sale_reporting(inputs: Inputs) -> Answer:
    """A loss and purchases some days from it, in named accounts; without quantities they are of equal size."""
    sold = inputs.inner("loss_sale", "sale")
    loss, security = sold.decimal("loss"), _security(sold)
    quantity = _quantity(sold)
    days = timedelta(days=400)
    lot = Purchase("sold", _account(sold), security, SOME_DAY - days, quantity, loss)
    bought = [_purchase_beside(row, at) for at, row in enumerate(inputs.rows("purchases"))]
    found = _report([lot, *bought], [Sale("sale", SOME_DAY, (("sold", quantity),), ZERO)], inputs)
    return {
        "broker_1099B_box_1g": found.broker.disallowed(),
        "taxpayer_wash": found.household.disallowed() > 0,
        "taxpayer_disallowed": found.household.disallowed(),
        "permanently_lost": found.household.permanently_lost(),
    }


def wash_sale_policy(inputs: Inputs) -> Answer:
    """One sale of one lot beside others, under both readings of the regulation."""
    sold = inputs.inner("sale")
    if not sold.flag("loss", default=True):
        raise BadCase("The sale should be at a loss.")
    purchases = [_at_two_dollars(row, at) for at, row in enumerate(inputs.rows("acquisitions"))]
    quantity = _quantity(sold)
    sale = Sale("sale", sold.day("date", "sold_on"), ((sold.text("lot"), quantity),), quantity)
    literal = _washed(purchases, sale, WashPolicy(earlier_shares_wash=True))
    counter = _washed(purchases, sale, WashPolicy(earlier_shares_wash=False))
    default = _washed(purchases, sale, WashPolicy())
    review = (Clause.FLAG_FOR_REVIEW,) if literal != counter else ()
    return {
        "literal_reg_reading": _reading(literal),
        "industry_counter_view": _reading(counter),
        "recommended_default": _reading(default, *review),
    }


def substantially_identical(inputs: Inputs) -> Answer:
    """Pairs of symbols under the table that firms begin with."""
    on = inputs.day("date", "as_of") if "date" in inputs or "as_of" in inputs else DEFAULT_TABLE.reviewed_on
    pairs = [_pair(pair) for pair in inputs.items("pairs")]
    findings = [DEFAULT_TABLE.compare(one, other, on) for one, other in pairs]
    return {
        "policy_class": [_class(finding) for finding in findings],
        "verdict": [finding.verdict.value for finding in findings],
        "rationale": [finding.rationale for finding in findings],
    }


def _class(finding: Finding) -> str:
    return CLASSES.get(finding.likeness, Verdict.REVIEW.value)


def _pair(pair: Json) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(symbol, str) for symbol in pair):
        raise BadCase(f"A pair should name two symbols, not {pair}.")
    return pair[0].upper(), pair[1].upper()


def _report(purchases: list[Purchase], sales: list[Sale], inputs: Inputs) -> WashReport:
    names = sorted({purchase.account_id for purchase in purchases})
    accounts = [Account(name, _kind(name)) for name in names]
    symbols = {purchase.security for purchase in purchases}
    groups = DEFAULT_TABLE.groups(symbols, max((sale.sold_on for sale in sales), default=SOME_DAY))
    return report(accounts, purchases, sales, groups=groups, policy=_policy(inputs))


def _policy(inputs: Inputs) -> WashPolicy:
    given = inputs.inner("policy") if "policy" in inputs else Inputs({})
    named = {field.name: given.flag(field.name) for field in fields(WashPolicy) if field.name in given}
    unknown = sorted(set(given.values) - set(named))
    if unknown:
        raise BadCase(f"There is no policy {unknown[0]} for wash sales.")
    return WashPolicy(**named)


def _kind(account: str) -> AccountKind:
    return next((kind for word, kind in KIND_WORDS if word in account.lower()), AccountKind.TAXABLE)


def _account(row: Inputs) -> str:
    return row.text("acct", "account", "account_id", default="taxable")


def _security(row: Inputs) -> str:
    return row.text("cusip", "symbol", "security", default=ONE_SECURITY).upper()


def _quantity(row: Inputs) -> Decimal:
    return row.decimal("qty", "quantity", "shares", default=ONE_SHARE)


def _purchase(row: Inputs) -> Purchase:
    origin = row.text("origin", "kind", "type", default="BUY").upper()
    if origin not in ORIGINS:
        raise BadCase(f"There is no way to acquire shares called {origin}.")
    per_share = "price" in row and "cost" not in row
    quantity = row.decimal("qty", "quantity", "shares")
    return Purchase(
        lot_id=row.text("id", "lot"),
        account_id=_account(row),
        security=_security(row),
        bought_on=row.day("date", "acquired", "bought_on"),
        quantity=quantity,
        cost=times(quantity, row.decimal("price")) if per_share else row.decimal("cost", "basis", "cost_basis"),
        origin=ORIGINS[origin],
        order_id=row.text("order", "order_id", "block", default=""),
        sequence=int(row.decimal("sequence", default=ZERO)),
        covered=row.flag("covered", default=True),
    )


def _sale(row: Inputs, at: int) -> Sale:
    lots = tuple(_leg(entry) for entry in row.items("lots"))
    quantity = total([quantity for _, quantity in lots])
    proceeds = row.decimal("proceeds") if "proceeds" in row else times(quantity, row.decimal("price"))
    sequence = int(row.decimal("sequence", default=ZERO))
    return Sale(row.text("id", default=f"s{at + 1}"), row.day("date", "sold_on"), lots, proceeds, sequence)


def _leg(entry: Json) -> tuple[str, Decimal]:
    if isinstance(entry, dict):
        row = Inputs(entry)
        return row.text("lot", "id"), row.decimal("qty", "quantity")
    if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
        return entry[0], as_decimal(entry[1], "lots")
    raise BadCase(f"A sale should name a lot and a quantity, not {entry}.")


def _purchase_beside(row: Inputs, at: int) -> Purchase:
    bought_on = SOME_DAY + timedelta(days=int(row.decimal("days")))
    return Purchase(f"bought{at}", _account(row), _security(row), bought_on, _quantity(row), ZERO)


def _at_two_dollars(row: Inputs, at: int) -> Purchase:
    """Bought at two dollars, to be sold at one: the amounts do not matter, the loss does."""
    quantity = _quantity(row)
    bought_on = row.day("date", "acquired")
    return Purchase(
        row.text("id", "lot", default=f"lot{at}"), _account(row), _security(row), bought_on, quantity, 2 * quantity
    )


def _washed(purchases: list[Purchase], sale: Sale, policy: WashPolicy) -> Washed:
    accounts = [Account(name, _kind(name)) for name in {purchase.account_id for purchase in purchases}]
    return report(accounts, purchases, [sale], policy=policy).household


def _reading(washed: Washed, *more: Clause) -> Stated:
    clause = Clause.WASH if washed.disallowed() else Clause.NO_WASH
    return stated(clause.value, clause, *more)


def _row(disposal: Disposal) -> dict[str, object]:
    return {
        "sale": disposal.sale_id,
        "lot": disposal.lot_id,
        "qty": disposal.quantity,
        "gain_before": disposal.gain,
        "disallowed": disposal.disallowed,
        "permanently_lost": disposal.permanently_lost,
        "recognized": disposal.recognised,
        "term": SHORT_NAMES[disposal.term],
        "replacement": [{"lot": other.lot_id, "qty": other.quantity} for other in disposal.replacements],
    }


def _open_lot(lot: OpenLot) -> dict[str, object]:
    return {
        "lot": lot.lot_id,
        "qty": lot.quantity,
        "adjusted_basis": lot.cost_basis,
        "adjusted_acquired": lot.acquired_on,
    }


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    topic.__name__: topic for topic in (wash_sale, wash_sale_reporting, wash_sale_policy, substantially_identical)
}
