from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import TaxProfile
from portfolios.models import CashBalance
from portfolios.services.policies import publish_policy
from tests.screens import HTMX, browser, counted, make_orders, make_proposal, make_scan
from tests.trading.worlds import make_connection
from tests.worlds import NOW, Birch, Cedar, World, make_account, make_lot
from trading.models import Approval, Order, Proposal, ProposalAccount

NOTE = "Spoke with the client on Friday."


def path(name: str, proposal: Proposal) -> str:
    return reverse(name, args=[proposal.pk])


def seen(proposal: Proposal, **more: str) -> dict[str, str]:
    """The approval's form as the page gives it out."""
    return {"seen": proposal.content_sha256, **more}


def decided(world: World) -> list[str]:
    return list(Proposal.objects.for_firm(world.firm_id).order_by("id").values_list("status", flat=True))


def move_cash(world: World) -> None:
    """The custodian's next file: what the proposal was made from has changed."""
    CashBalance.objects.for_firm(world.firm_id).filter(account=world.account).update(settled=Decimal("1.00"))


def test_a_proposal_shows_its_trades_with_every_lot(birch: Birch) -> None:
    page = browser(birch).get(path("proposal", make_proposal(birch))).content.decode()
    wanted = ("Alder Individual", "VTI-2021-03-03-200", "Vanguard FTSE Developed Markets ETF", "Approve…", "Reject…")
    assert [word for word in wanted if word not in page] == []


def test_the_queries_are_as_many_for_three_accounts_as_for_one(birch: Birch) -> None:
    client = browser(birch)
    first = path("proposal", make_proposal(birch))
    client.get(first)
    with counted() as one:
        client.get(first)
    for number in ("1002", "1003"):
        account = make_account(birch.firm_id, birch.household, number=number, registration="ROTH_IRA")
        make_lot(birch.firm_id, account, "VTI", "100", basis="20000")
    make_scan(birch)
    second = Proposal.objects.for_firm(birch.firm_id).get(status=Proposal.Status.PENDING)
    with counted() as three:
        client.get(path("proposal", second))
    assert (second.account_count, three) == (3, one)


def test_those_who_may_not_approve_see_no_buttons(birch: Birch) -> None:
    page = browser(birch, "TRADER").get(path("proposal", make_proposal(birch))).content.decode()
    assert ("Approve…" in page, "Reject…" in page) == (False, False)


def test_an_approval_answers_with_the_new_state(birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    answer = browser(birch).post(path("proposal-approve", proposal), seen(proposal, note=NOTE), headers=HTMX)
    page = answer.content.decode()
    assert (answer.status_code, "on their way" in page, NOTE in page, "<html" in page) == (200, True, True, False)


def test_without_javascript_an_approval_comes_back_to_the_page_and_says_so(birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    answer = browser(birch).post(path("proposal-approve", proposal), seen(proposal, note=NOTE), follow=True)
    assert (answer.redirect_chain[-1][1], "on their way" in answer.content.decode()) == (302, True)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_stale_proposal_is_refused_and_what_was_typed_comes_back(headers: dict[str, str], birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    move_cash(birch)
    answer = browser(birch).post(path("proposal-approve", proposal), seen(proposal, note=NOTE), headers=headers)
    page = answer.content.decode()
    assert (answer.status_code, "Holdings or cash" in page, NOTE in page) == (409, True, True)
    assert (decided(birch), Order.objects.for_firm(birch.firm_id).count()) == (["STALE"], 0)


def test_a_second_approval_of_a_decided_proposal_changes_nothing(birch: Birch) -> None:
    make_orders(birch)
    proposal = Proposal.objects.for_firm(birch.firm_id).get()
    answer = browser(birch, "OWNER").post(path("proposal-approve", proposal), seen(proposal, note=NOTE), headers=HTMX)
    assert (answer.status_code, NOTE in answer.content.decode()) == (409, True)
    assert Approval.objects.for_firm(birch.firm_id).count() == 1


def test_orders_that_cannot_be_made_leave_the_proposal_open_and_the_note_in_its_box(birch: Birch) -> None:
    proposal = make_proposal(birch)  # and no line to the custodian
    answer = browser(birch).post(path("proposal-approve", proposal), seen(proposal, note=NOTE), headers=HTMX)
    assert (answer.status_code, f"{NOTE}</textarea>" in answer.content.decode()) == (409, True)
    assert (decided(birch), Approval.objects.for_firm(birch.firm_id).count()) == (["PENDING"], 0)


def test_above_the_limit_two_people_must_approve(birch: Birch) -> None:
    make_connection(birch)
    publish_policy(firm_id=birch.firm_id, toml="[approval]\nfour_eyes_turnover = 1000\n", at=NOW, by="t")
    proposal = make_proposal(birch)
    where = path("proposal-approve", proposal)
    first = browser(birch).post(where, seen(proposal), headers=HTMX)
    again = browser(birch).post(where, seen(proposal), headers=HTMX)
    second = browser(birch, "COMPLIANCE").post(where, seen(proposal), headers=HTMX)
    assert (first.status_code, again.status_code, second.status_code, decided(birch)) == (200, 409, 200, ["APPROVED"])


def test_a_rejection_needs_a_reason_and_gives_back_what_was_typed(birch: Birch) -> None:
    proposal = make_proposal(birch)
    answer = browser(birch).post(path("proposal-reject", proposal), {"reason": "OTHER", "note": ""}, headers=HTMX)
    page = answer.content.decode()
    assert (answer.status_code, "data-reopen" in page, 'value="OTHER"\n' in page or "selected" in page) == (
        422,
        True,
        True,
    )
    assert decided(birch) == ["PENDING"]


def test_a_rejection_is_kept_with_its_reason(birch: Birch) -> None:
    proposal = make_proposal(birch)
    form = {"reason": "TAX", "note": NOTE}
    answer = browser(birch).post(path("proposal-reject", proposal), form, headers=HTMX)
    kept = Approval.objects.for_firm(birch.firm_id).get()
    assert (answer.status_code, kept.reason, decided(birch)) == (200, f"Too much tax now: {NOTE}", ["REJECTED"])


def test_a_rejection_that_comes_too_late_gives_back_what_was_typed(birch: Birch) -> None:
    make_orders(birch)
    proposal = Proposal.objects.for_firm(birch.firm_id).get()
    form = {"reason": "TAX", "note": NOTE}
    answer = browser(birch).post(path("proposal-reject", proposal), form, headers=HTMX)
    assert (answer.status_code, NOTE in answer.content.decode(), decided(birch)) == (409, True, ["APPROVED"])


def test_what_is_typed_is_shown_as_text(birch: Birch) -> None:
    proposal = make_proposal(birch)
    form = {"reason": "TAX", "note": "<script>alert(1)</script>"}
    page = browser(birch).post(path("proposal-reject", proposal), form, headers=HTMX).content.decode()
    assert ("<script>alert" in page, "&lt;script&gt;alert" in page) == (False, True)


def chosen(proposal: Proposal, scenario: str, **more: object) -> dict[str, object]:
    """The scenario's form as the page gives it out."""
    return {"scenario": scenario, "version": proposal.version, **more}


def held(world: World) -> list[str]:
    return list(Proposal.objects.for_firm(world.firm_id).order_by("id").values_list("scenario", flat=True))


def test_a_proposal_shows_its_scenarios_side_by_side_and_how_good_its_trades_are(birch: Birch) -> None:
    page = browser(birch).get(path("proposal", make_proposal(birch))).content.decode()
    wanted = ("Least tax", "Balanced", "Closest to the model", "No other trades under these rules are better")
    assert [word for word in wanted if word not in page] == []
    assert page.count('type="radio"') == 1 + len(others(birch))


def others(world: World) -> list[str]:
    """Scenarios whose trades differ from those that the newest proposal holds."""
    proposal = Proposal.objects.for_firm(world.firm_id).order_by("id").last()
    assert proposal is not None
    return [name for name, sha in proposal.settings["contents"].items() if sha != proposal.content_sha256]


def test_a_choice_answers_with_the_whole_page_part_in_the_place_of_the_old(birch: Birch) -> None:
    proposal = make_proposal(birch)
    answer = browser(birch).post(path("proposal-scenario", proposal), chosen(proposal, "MIN_TAX"), headers=HTMX)
    page = answer.content.decode()
    assert (answer.status_code, held(birch), "<html" in page) == (200, ["MIN_TAX"], False)
    assert ('id="proposal"' in page, "now holds these trades" in page) == (True, True)


def test_without_javascript_a_choice_comes_back_to_the_page_and_says_so(birch: Birch) -> None:
    proposal = make_proposal(birch)
    form = chosen(proposal, "MIN_TAX")
    answer = browser(birch).post(path("proposal-scenario", proposal), form, follow=True)
    assert (answer.redirect_chain[-1][1], held(birch)) == (302, ["MIN_TAX"])
    assert "now holds these trades" in answer.content.decode()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"scenario": "MIN_TAX", "version": "7"}, "Somebody changed this proposal"),
        ({"scenario": "MIN_TAX"}, "Somebody changed this proposal"),
        ({"scenario": "MIN_TAX", "version": "x"}, "Somebody changed this proposal"),
        ({"scenario": "NONE", "version": "1"}, "was not found"),
        ({"version": "1"}, "was not found"),
    ],
)
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_choice_that_cannot_be_made_says_why(
    headers: dict[str, str], birch: Birch, form: dict[str, str], sentence: str
) -> None:
    proposal = make_proposal(birch)
    answer = browser(birch).post(path("proposal-scenario", proposal), form, headers=headers)
    assert (answer.status_code, sentence in answer.content.decode(), held(birch)) == (409, True, ["CLOSEST"])


def test_a_choice_for_a_stale_proposal_says_what_changed(birch: Birch) -> None:
    proposal = make_proposal(birch)
    move_cash(birch)
    answer = browser(birch).post(path("proposal-scenario", proposal), chosen(proposal, "MIN_TAX"), headers=HTMX)
    assert (answer.status_code, "Holdings or cash" in answer.content.decode()) == (409, True)
    assert (held(birch), decided(birch)) == (["CLOSEST"], ["STALE"])


def test_the_switch_is_gone_once_somebody_approved(birch: Birch) -> None:
    make_connection(birch)
    publish_policy(firm_id=birch.firm_id, toml="[approval]\nfour_eyes_turnover = 1000\n", at=NOW, by="t")
    proposal = make_proposal(birch)
    browser(birch).post(path("proposal-approve", proposal), seen(proposal), headers=HTMX)
    page = browser(birch, "COMPLIANCE").get(path("proposal", proposal)).content.decode()
    form = chosen(Proposal.objects.for_firm(birch.firm_id).get(), "MIN_TAX")
    answer = browser(birch, "COMPLIANCE").post(path("proposal-scenario", proposal), form, headers=HTMX)
    assert ('type="radio"' in page, answer.status_code, held(birch)) == (False, 409, ["CLOSEST"])


def test_those_who_may_not_approve_see_the_scenarios_and_no_switch(birch: Birch) -> None:
    page = browser(birch, "TRADER").get(path("proposal", make_proposal(birch))).content.decode()
    assert ("Least tax" in page, 'type="radio"' in page, "Use the marked scenario" in page) == (True, False, False)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_an_approval_of_other_trades_shows_them_first_and_keeps_the_note(headers: dict[str, str], birch: Birch) -> None:
    make_connection(birch)
    proposal = make_proposal(birch)
    browser(birch, "OWNER").post(path("proposal-scenario", proposal), chosen(proposal, "MIN_TAX"), headers=HTMX)
    answer = browser(birch).post(path("proposal-approve", proposal), seen(proposal, note=NOTE), headers=headers)
    page = answer.content.decode()
    assert (answer.status_code, "other trades than you looked at" in page, NOTE in page) == (409, True, True)
    assert (decided(birch), Order.objects.for_firm(birch.firm_id).count()) == (["PENDING"], 0)


def test_an_approval_that_does_not_say_what_was_seen_is_refused(birch: Birch) -> None:
    make_connection(birch)
    answer = browser(birch).post(path("proposal-approve", make_proposal(birch)), {"note": NOTE}, headers=HTMX)
    assert (answer.status_code, decided(birch)) == (409, ["PENDING"])


def test_lots_that_are_short_say_when_they_turn_long(birch: Birch) -> None:
    page = browser(birch).get(path("proposal", make_proposal(birch))).content.decode()
    assert "long in 103 days" in page  # bought on 2 March 2026, looked at on 20 November


def test_a_proposal_from_before_there_were_scenarios_still_opens(birch: Birch) -> None:
    proposal = make_proposal(birch)
    part = ProposalAccount.objects.for_firm(birch.firm_id).get(proposal=proposal)
    figures = {name: value for name, value in part.figures.items() if name not in {"leftover", "budget_left", "wash"}}
    rows = ProposalAccount.objects.for_firm(birch.firm_id).filter(pk=part.pk)
    rows.update(scenarios={}, certificate={}, figures=figures)
    page = browser(birch).get(path("proposal", proposal)).content.decode()
    assert ("Approve…" in page, "Scenarios" in page, "No other trades" in page) == (True, False, False)


def test_a_household_without_a_budget_is_shown_none(birch: Birch) -> None:
    page = browser(birch).get(path("proposal", make_proposal(birch))).content.decode()
    assert ("Gain budget" in page, "Tax budget" in page, "Tax of the year" in page) == (False, False, False)


def test_budgets_are_shown_with_what_is_used_and_left(birch: Birch, cedar: Cedar) -> None:
    for world, gains in ((birch, 50), (cedar, 7)):
        with world.scope():
            profiles = TaxProfile.objects.for_firm(world.firm_id)
            profiles.update(gain_budget=Decimal(gains), tax_budget=Decimal(400), netting=True)
    page = strip_tags(browser(birch).get(path("proposal", make_proposal(birch))).content.decode())
    text = " ".join(page.split())
    found = re.search(r"Gain budget used \$(\d+) of \$50, left \$(\d+)", text)
    assert found
    assert int(found[1]) + int(found[2]) == 50
    assert re.search(r"Tax budget used \$\d+ of \$400, left \$\d+", text)
    assert "Tax of the year" in text
