"""`python -m rebalancer.demo --seed 7 --as-of 2026-11-20 --out DIRECTORY` writes the demonstration's files."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from rebalancer.demo.files import write_demo_files


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rebalancer.demo", description="Write two firms' custodian files.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="a trading day, such as 2026-11-20")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    try:
        book = write_demo_files(chosen.out, seed=chosen.seed, as_of=chosen.as_of)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for firm in book.firms:
        lots = sum(len(account.lots) for account in firm.accounts)
        sys.stdout.write(
            f"{firm.name}: {len(firm.households)} households, {len(firm.accounts)} accounts, {lots} lots\n"
        )
    sys.stdout.write("".join(f"{file.firm_slug} {file.layout} {file.path}\n" for file in book.files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
