"""From bytes to numbered lines of cells. Everything stays text here; nothing is guessed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from portfolios.feeds.records import Code, Refused

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 500_000
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line, stripped. `number` is the line of the file, from 1, on which the row begins."""

    number: int
    cells: tuple[str, ...]

    @property
    def first(self) -> str:
        return self.cells[0] if self.cells else ""

    @property
    def is_blank(self) -> bool:
        return not any(self.cells)

    @property
    def stands_alone(self) -> bool:
        """One cell with text, the first, and nothing after it."""
        return bool(self.first) and not any(self.cells[1:])


def shown(text: str) -> str:
    """The text as a sentence may quote it: short, and with control characters visible."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def check_size(content: bytes, file_name: str) -> None:
    """:raises Refused: when there is nothing in the file, or too much"""
    if not content.strip():
        raise Refused(Code.EMPTY_FILE, f"{file_name} is empty; send the file again.")
    if len(content) > MAX_BYTES:
        raise Refused(
            Code.TOO_LARGE,
            f"{file_name} has {len(content):,} bytes and {MAX_BYTES:,} is the limit; send it in parts by account.",
        )


def decode(content: bytes, file_name: str) -> str:
    """UTF-8 with or without its mark, else Windows-1252, which older downloads use.

    :raises Refused: when it is neither, or holds NUL characters as spreadsheets and UTF-16 text do
    """
    advice = "save it as CSV in UTF-8 and send it again"
    if b"\x00" in content:
        raise Refused(Code.WRONG_ENCODING, f"{file_name} is not plain text (it holds NUL characters); {advice}.")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(Code.WRONG_ENCODING, f"{file_name} is neither UTF-8 nor Windows-1252 text; {advice}.")


def read_rows(content: bytes, file_name: str) -> list[Row]:
    """All lines that hold anything, in order.

    Quotes are read strictly first, which finds a file cut off inside a cell; then leniently, as footers need.

    :raises Refused: empty, too large, not text, not CSV, or cut off inside a quoted cell
    """
    check_size(content, file_name)
    text = decode(content, file_name)
    try:
        return _rows(text, file_name, strict=True)
    except csv.Error as error:
        if "unexpected end" in str(error):
            sentence = (
                f"{file_name} ends inside a quoted cell: it was cut short; download it again and send it unchanged."
            )
            raise Refused(Code.TRUNCATED, sentence) from None
    try:
        return _rows(text, file_name, strict=False)
    except csv.Error as error:
        sentence = f"{file_name} is not readable as CSV ({error}); send it as it was downloaded."
        raise Refused(Code.WRONG_LAYOUT, sentence) from None


def _rows(text: str, file_name: str, *, strict: bool) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=strict)
    rows: list[Row] = []
    started_at = 1
    for cells in reader:
        row = Row(started_at, tuple(cell.strip() for cell in cells))
        started_at = reader.line_num + 1
        if not row.is_blank:
            rows.append(row)
        if len(rows) > MAX_ROWS:
            raise Refused(Code.TOO_LARGE, f"{file_name} has more than {MAX_ROWS:,} rows; send it in parts by account.")
    return rows
