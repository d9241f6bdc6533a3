"""The simulator's memory: one SQLite file. What has been answered or sent is in it, whatever kills the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

from trading.custodians.simulator.records import Account, Asset, Event, Execution, Order, Position

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (key_id TEXT PRIMARY KEY, secret TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assets (
    symbol TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, bid TEXT NOT NULL, ask TEXT NOT NULL,
    last TEXT NOT NULL, previous_close TEXT NOT NULL, fractionable INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, number TEXT NOT NULL UNIQUE, key_id TEXT NOT NULL,
    status TEXT NOT NULL, cash TEXT NOT NULL, created_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS accounts_of_key ON accounts (key_id, seq);
CREATE TABLE IF NOT EXISTS positions (
    account_id TEXT NOT NULL, symbol TEXT NOT NULL, quantity TEXT NOT NULL, cost_basis TEXT NOT NULL,
    PRIMARY KEY (account_id, symbol)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL, key_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL, symbol TEXT NOT NULL, asset_id TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL,
    time_in_force TEXT NOT NULL, quantity TEXT, notional TEXT, limit_price TEXT, hold_unit TEXT NOT NULL,
    fate TEXT NOT NULL, submitted_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL, status TEXT NOT NULL,
    updated_ns INTEGER NOT NULL, filled_quantity TEXT NOT NULL, filled_value TEXT NOT NULL, executions INTEGER NOT NULL,
    filled_ns INTEGER, canceled_ns INTEGER, expired_ns INTEGER, failed_ns INTEGER, is_open INTEGER NOT NULL,
    UNIQUE (account_id, client_order_id)
);
CREATE INDEX IF NOT EXISTS orders_open ON orders (account_id) WHERE is_open;
CREATE INDEX IF NOT EXISTS orders_listed ON orders (account_id, submitted_ns);
CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, account_id TEXT NOT NULL,
    key_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL,
    cum_quantity TEXT NOT NULL, leaves TEXT NOT NULL, order_status TEXT NOT NULL, at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'fill', previous_id TEXT NOT NULL DEFAULT '', is_live INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS allocations (
    order_id TEXT NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL, at_ns INTEGER NOT NULL,
    PRIMARY KEY (order_id, revision)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aftermath (
    act TEXT NOT NULL, subject TEXT NOT NULL, due_ns INTEGER NOT NULL, PRIMARY KEY (act, subject)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY, key_id TEXT NOT NULL, account_id TEXT NOT NULL, symbol TEXT NOT NULL,
    payload TEXT NOT NULL
) WITHOUT ROWID;
"""

# Columns that stores of earlier versions lack.
ADDED: Mapping[str, Mapping[str, str]] = {
    "executions": {
        "kind": "TEXT NOT NULL DEFAULT 'fill'",
        "previous_id": "TEXT NOT NULL DEFAULT ''",
        "is_live": "INTEGER NOT NULL DEFAULT 1",
        "gross": "TEXT",
    },
    "accounts": {"kind": "TEXT NOT NULL DEFAULT 'TRADING'"},
    "assets": {"increment": "TEXT NOT NULL DEFAULT '0.01'", "at_nav": "INTEGER NOT NULL DEFAULT 0"},
}

FIXED: tuple[str, ...] = (
    *("id", "account_id", "key_id", "client_order_id", "symbol", "asset_id", "side", "type", "time_in_force"),
    *("quantity", "notional", "limit_price", "hold_unit", "fate", "submitted_ns", "expires_ns"),
)
MOVING = tuple(field.name for field in fields(Order) if field.name not in FIXED)
INSERT_ORDER = (
    f"INSERT INTO orders ({', '.join(FIXED + MOVING)}, is_open) VALUES ({', '.join('?' * len(FIXED + MOVING))}, ?)"
)
UPDATE_ORDER = f"UPDATE orders SET {', '.join(f'{name} = ?' for name in MOVING)}, is_open = ? WHERE id = ?"


def _stored(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else value


class Store:
    """Reads and single writes; whoever changes several things does so within `transaction`."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # In WAL mode NORMAL survives the death of the process; only a power cut may take the last commits.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)
        for table, columns in ADDED.items():
            known = {row["name"] for row in self.rows(f"PRAGMA table_info({table})")}
            for name in columns.keys() - known:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nothing may be awaited inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        return self._db.execute(sql, parameters).fetchall()

    def one(self, sql: str, *parameters: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, parameters).fetchone()
        return row

    def write(self, sql: str, *parameters: object) -> None:
        self._db.execute(sql, [_stored(value) for value in parameters])

    def setting(self, name: str) -> str | None:
        row = self.one("SELECT value FROM settings WHERE name = ?", name)
        return row["value"] if row else None

    def set_setting(self, name: str, value: str) -> None:
        self.write("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", name, value)

    def account(self, account_id: str, key_id: str) -> Account | None:
        row = self.one("SELECT * FROM accounts WHERE id = ? AND key_id = ?", account_id, key_id)
        return Account.of(row) if row else None

    def first_account(self, key_id: str) -> Account | None:
        row = self.one("SELECT * FROM accounts WHERE key_id = ? ORDER BY seq LIMIT 1", key_id)
        return Account.of(row) if row else None

    def asset(self, symbol: str) -> Asset | None:
        row = self.one("SELECT * FROM assets WHERE symbol = ?", symbol)
        return Asset.of(row) if row else None

    def positions(self, account_id: str) -> list[Position]:
        rows = self.rows("SELECT * FROM positions WHERE account_id = ? ORDER BY symbol", account_id)
        return [Position(row["symbol"], Decimal(row["quantity"]), Decimal(row["cost_basis"])) for row in rows]

    def position(self, account_id: str, symbol: str) -> Position:
        """What the account holds of it, which may be nothing."""
        row = self.one("SELECT * FROM positions WHERE account_id = ? AND symbol = ?", account_id, symbol)
        if row is None:
            return Position(symbol, Decimal(0), Decimal(0))
        return Position(symbol, Decimal(row["quantity"]), Decimal(row["cost_basis"]))

    def set_position(self, account_id: str, position: Position) -> None:
        if position.quantity:
            self.write(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)",
                *(account_id, position.symbol, position.quantity, position.cost_basis),
            )
        else:
            self.write("DELETE FROM positions WHERE account_id = ? AND symbol = ?", account_id, position.symbol)

    def set_cash(self, account_id: str, cash: Decimal) -> None:
        self.write("UPDATE accounts SET cash = ? WHERE id = ?", cash, account_id)

    def order(self, order_id: str) -> Order | None:
        row = self.one("SELECT * FROM orders WHERE id = ?", order_id)
        return Order.of(row) if row else None

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        row = self.one("SELECT * FROM orders WHERE account_id = ? AND client_order_id = ?", account_id, client_order_id)
        return Order.of(row) if row else None

    def open_orders(self, account_id: str) -> list[Order]:
        rows = self.rows("SELECT * FROM orders WHERE account_id = ? AND is_open ORDER BY seq", account_id)
        return [Order.of(row) for row in rows]

    def insert_order(self, order: Order) -> None:
        self.write(INSERT_ORDER, *(getattr(order, name) for name in FIXED + MOVING), order.is_open)

    def update_order(self, order: Order) -> None:
        self.write(UPDATE_ORDER, *(getattr(order, name) for name in MOVING), order.is_open, order.id)

    def insert_execution(self, execution: Execution) -> None:
        names = [field.name for field in fields(Execution) if field.name != "seq"]
        self.write(
            f"INSERT INTO executions ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            *(getattr(execution, name) for name in names),
        )

    def execution(self, execution_id: str) -> Execution | None:
        row = self.one("SELECT * FROM executions WHERE id = ?", execution_id)
        return Execution.of(row) if row else None

    def end_execution(self, execution_id: str) -> None:
        """It counts no longer."""
        self.write("UPDATE executions SET is_live = 0 WHERE id = ?", execution_id)

    def add_later(self, act: str, subject: str, due_ns: int) -> None:
        """Something that will befall an execution or an order, at a time."""
        self.write("INSERT OR IGNORE INTO aftermath VALUES (?, ?, ?)", act, subject, due_ns)

    def insert_event(self, event: Event) -> None:
        self.write(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            *(event.event_id, event.key_id, event.account_id, event.symbol, event.payload),
        )

    def last_event_id(self) -> str:
        """The newest cursor; empty while nothing has happened."""
        row = self.one("SELECT max(event_id) AS newest FROM events")
        return (row["newest"] if row else None) or ""

    def events_after(self, event_id: str, key_id: str, limit: int) -> list[Event]:
        rows = self.rows(
            "SELECT * FROM events WHERE event_id > ? AND key_id = ? ORDER BY event_id LIMIT ?", event_id, key_id, limit
        )
        return [Event(*row) for row in rows]
