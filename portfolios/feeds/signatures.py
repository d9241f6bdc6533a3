"""Files that people send by mistake, known by a header row or a first line, so that the refusal can name them."""

from __future__ import annotations

from portfolios.feeds.records import Code, Refused
from portfolios.feeds.text import Row

_HEADERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("a Schwab transaction history", frozenset({"date", "action", "symbol", "fees & comm", "amount"})),
    ("a Schwab list of realised gains", frozenset({"symbol", "closed date", "proceeds", "costbasis"})),
    ("a Fidelity transaction history", frozenset({"run date", "action", "symbol", "settlement date"})),
    ("a Fidelity list of realised gains", frozenset({"date acquired", "date sold", "proceeds", "cost basis"})),
    ("a Vanguard download", frozenset({"account number", "investment name", "symbol", "shares", "share price"})),
    ("a Schwab positions file", frozenset({"symbol", "description", "price", "cost basis", "security type"})),
    ("a Fidelity positions file", frozenset({"account number", "symbol", "last price", "current value"})),
    ("a Fidelity statement of positions", frozenset({"symbol/cusip", "quantity", "price", "ending value"})),
    ("our accounts file (plain_accounts)", frozenset({"account_number", "registration", "household_id"})),
    ("our lots file (plain_lots)", frozenset({"account_number", "lot_id", "acquired_on", "quantity"})),
    ("our cash file (plain_cash)", frozenset({"account_number", "settled", "unsettled"})),
    ("our prices file (plain_prices)", frozenset({"symbol", "priced_on", "close"})),
    ("our transactions file (plain_transactions)", frozenset({"account_number", "transaction_id", "trade_on"})),
)

_FIRST_LINES: tuple[tuple[str, str], ...] = (
    ("<", "an XML file"),
    ("{", "a JSON file"),
    ("[", "a JSON file"),
    ("PK", "a ZIP archive or spreadsheet"),
    ("%PDF", "a PDF document"),
    ("Realized Gain/Loss", "a Schwab list of realised gains"),
    ("Transactions ", "a Schwab transaction history"),
)


def what_is_it(rows: list[Row]) -> tuple[str, int] | None:
    """The name of a file known by its first line or a header, and the line that tells; None for an unknown one."""
    for prefix, name in _FIRST_LINES:
        if rows and rows[0].first.startswith(prefix):
            return name, rows[0].number
    for row in rows:
        cells = {cell.lower() for cell in row.cells}
        for name, header in _HEADERS:
            if header <= cells:
                return name, row.number
    return None


def refuse_layout(rows: list[Row], *, file_name: str, title: str, advice: str, missing: list[str]) -> Refused:
    """The refusal of a file in which no header row of the layout was found.

    `missing`: the columns that the most similar row lacks, when one row is similar.
    """
    known = what_is_it(rows)
    if missing:
        names = ", ".join(missing)
        sentence = f"{file_name} has a header row without the columns {names} that {title} must have; {advice}."
        return Refused(Code.WRONG_LAYOUT, sentence)
    if known is not None:
        sentence = f"{file_name} is {known[0]} (line {known[1]} tells), not {title}; {advice}."
        return Refused(Code.WRONG_LAYOUT, sentence, known[1])
    return Refused(Code.WRONG_LAYOUT, f"{file_name} has no header row of {title}; {advice}.")
