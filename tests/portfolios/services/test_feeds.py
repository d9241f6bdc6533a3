from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import AuditEvent
from portfolios.models import CashBalance, DataProblem, FeedFile, FeedRow, FirmPrice, Lot, Position, Transaction
from portfolios.services.feeds import FeedOutcome, import_file
from tests.portfolios.feeds.samples import BND, SCHWAB_CASH, VTI, make_plain, make_schwab
from tests.worlds import NOW, Birch, Cedar

NUMBER = "1234-5678"
LOTS = "as_of,account_number,symbol,lot_id,acquired_on,quantity,cost_basis"
ODD = '"ZZZZ","SOMETHING NOBODY KNOWS","10","$10.00","$100.00","$90.00","ETFs & Closed End Funds"'
BROKEN = '"VTI","VANGUARD TOTAL STOCK MARKET ETF","ten","$300.00","$3,000.00","$1,500.00","ETFs & Closed End Funds"'


@pytest.fixture
def numbered(birch: Birch) -> Birch:
    """Birch, whose account has the number that the files name."""
    type(birch.account).objects.for_firm(birch.firm_id).filter(pk=birch.account.pk).update(number=NUMBER)
    return birch


def take(world: Birch, content: bytes, *, layout: str = "schwab_positions", name: str = "a.csv") -> FeedOutcome:
    return import_file(firm_id=world.firm_id, layout=layout, name=name, content=content, at=NOW)


def held(world: Birch) -> dict[str, Decimal]:
    rows = Position.objects.for_firm(world.firm_id).filter(quantity__gt=0).order_by("security__symbol")
    return dict(rows.values_list("security__symbol", "quantity"))


def open_codes(world: Birch) -> set[str]:
    return set(DataProblem.objects.for_firm(world.firm_id).filter(resolved_at=None).values_list("code", flat=True))


def everything(world: Birch) -> dict[str, object]:
    """What the firm holds, to see that a file changed nothing."""
    return {
        "positions": held(world),
        "lots": sorted(Lot.objects.for_firm(world.firm_id).values_list("lot_key", "quantity", "cost_basis")),
        "cash": sorted(CashBalance.objects.for_firm(world.firm_id).values_list("settled", "unsettled")),
    }


def test_a_positions_file_replaces_what_its_account_held(numbered: Birch, cedar: Cedar) -> None:
    outcome = take(numbered, make_schwab())
    assert outcome.status == "APPLIED"
    assert held(numbered) == {"BND": Decimal("36.8179"), "VTI": Decimal(10)}
    assert CashBalance.objects.for_firm(numbered.firm_id).get().settled == Decimal("393.29")
    with cedar.scope():
        assert held(cedar) == {"BND": Decimal(150), "VTI": Decimal(250)}


def test_the_same_file_twice_is_one_file_and_says_so(numbered: Birch) -> None:
    take(numbered, make_schwab())
    before = everything(numbered)
    again = take(numbered, make_schwab(), name="renamed.csv")
    assert again.was_applied_before
    assert everything(numbered) == before
    assert FeedFile.objects.for_firm(numbered.firm_id).count() == 1


def test_lots_that_no_longer_sum_to_the_position_become_a_problem_and_end_with_the_next_lots(numbered: Birch) -> None:
    take(numbered, make_schwab())
    assert open_codes(numbered) & {"LOTS_DO_NOT_SUM", "NO_LOTS"}
    rows = (
        f"2026-11-20,{NUMBER},VTI,L1,2021-03-03,10,1500.00",
        f"2026-11-20,{NUMBER},BND,L2,2022-05-04,36.8179,2700.00",
    )
    assert take(numbered, make_plain(LOTS, *rows), layout="plain_lots").status == "APPLIED"
    assert not open_codes(numbered) & {"LOTS_DO_NOT_SUM", "NO_LOTS"}
    live = Lot.objects.for_firm(numbered.firm_id).filter(quantity__gt=0).order_by("lot_key")
    assert list(live.values_list("quantity", "cost_basis")) == [
        (Decimal(10), Decimal(1500)),
        (Decimal("36.8179"), Decimal(2700)),
    ]


@pytest.mark.parametrize("row", [pytest.param(BROKEN, id="a bad number"), pytest.param(ODD, id="an unknown security")])
def test_a_row_that_cannot_be_used_leaves_its_account_as_it_was_and_is_kept_with_its_place(
    numbered: Birch, row: str
) -> None:
    before = everything(numbered)
    outcome = take(numbered, make_schwab(row, BND, SCHWAB_CASH))
    assert outcome.set_aside
    assert everything(numbered) == before
    kept = FeedRow.objects.for_firm(numbered.firm_id).filter(row_number=4).get()
    assert kept.sentence
    assert open_codes(numbered)


def test_a_file_of_another_kind_is_refused_whole_and_may_be_tried_again(numbered: Birch) -> None:
    before = everything(numbered)
    for _ in range(2):
        outcome = take(numbered, b"Date,Action\n11/20/2026,Buy\n")
        assert (outcome.status, bool(outcome.sentence)) == ("REFUSED", True)
    assert everything(numbered) == before


def test_an_older_file_does_not_undo_a_newer_one(numbered: Birch) -> None:
    take(numbered, make_schwab())
    before = everything(numbered)
    title = '"Positions for account Individual 1234-5678 as of 05:30 PM ET, 11/19/2026"'
    assert not take(numbered, make_schwab(VTI, SCHWAB_CASH, title=title)).is_clean
    assert everything(numbered) == before


def test_accounts_that_nobody_knows_are_set_aside_with_a_sentence(birch: Birch) -> None:
    outcome = take(birch, make_schwab())
    assert [NUMBER in rows.sentence for rows in outcome.set_aside] == [True]


def test_a_firms_price_file_moves_no_other_firms_prices(numbered: Birch, cedar: Cedar) -> None:
    header = "as_of,symbol,priced_on,close,bid,ask,adv_shares"
    content = make_plain(header, "2026-11-20,VTI,2026-11-20,310.00,309.99,310.01,1000000")
    assert take(numbered, content, layout="plain_prices").is_clean
    assert FirmPrice.objects.for_firm(numbered.firm_id).get().close == Decimal(310)
    with cedar.scope():
        assert not FirmPrice.objects.for_firm(cedar.firm_id).exists()


def test_a_transaction_is_kept_once_and_a_contradiction_is_set_aside(numbered: Birch) -> None:
    header = "as_of,account_number,transaction_id,kind,trade_on,settle_on,symbol,quantity,price,amount"
    row = f"2026-11-20,{NUMBER},T1,DIVIDEND,2026-11-19,2026-11-20,VTI,,,12.50"
    take(numbered, make_plain(header, row), layout="plain_transactions")
    changed = make_plain(header, row.replace("12.50", "99.00"))
    outcome = take(numbered, changed, layout="plain_transactions", name="later.csv")
    assert outcome.set_aside
    assert Transaction.objects.for_firm(numbered.firm_id).get().amount == Decimal("12.50")


def test_every_file_is_in_the_audit_trail(numbered: Birch) -> None:
    take(numbered, make_schwab())
    assert AuditEvent.objects.for_firm(numbered.firm_id).filter(action="FEED_APPLIED", subject="feed_file").count() == 1


def test_the_command_goes_on_after_a_bad_file_and_fails_in_the_end(
    numbered: Birch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_bytes(b"nonsense")
    (tmp_path / "good.csv").write_bytes(make_schwab())
    files = [str(tmp_path / name) for name in ("bad.csv", "missing.csv", "good.csv")]
    with pytest.raises(CommandError, match=r"Not clean: bad.csv, missing.csv"):
        call_command("import_feed", *files, firm="birch", layout="schwab_positions")
    said = capsys.readouterr().out
    assert "bad.csv: REFUSED, nothing was applied." in said
    assert "missing.csv: cannot be read" in said
    assert held(numbered) == {"BND": Decimal("36.8179"), "VTI": Decimal(10)}


def test_a_firm_that_is_not_there_gets_a_sentence(birch: Birch) -> None:
    with pytest.raises(CommandError, match="There is no firm oak"):
        call_command("import_feed", "x.csv", firm="oak", layout="schwab_positions")
