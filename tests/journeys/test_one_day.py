"""One day as the people of a firm live it, in a real browser before the whole running product."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Stack
from tests.journeys.eyes import Tab, tab

pytestmark = [pytest.mark.browser, pytest.mark.journey]

CEDAR_ADVISER = "adviser@cedar.example"
ADVISER, OWNER, CLIENT = "adviser@birch.example", "owner@birch.example", "client@birch.example"
TRADES_MS = 60_000
SCAN_MS = 180_000
"""The first scan of a fresh checkout compiles the engine."""


def scan(window: Tab) -> None:
    """Start a scan and wait until the list has loaded itself anew."""
    with window.page.expect_response(lambda answer: answer.url.endswith("/worklist/"), timeout=SCAN_MS):
        window.page.get_by_role("button", name="Scan the book now").click()
    expect(window.page.locator("#progress")).to_contain_text("accounts scanned as of")
    expect(window.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def approve(window: Tab, household: str, note: str = "") -> None:
    """From the worklist: open the proposal, confirm in the dialog that shows its sums."""
    page = window.page
    page.get_by_role("link", name=household, exact=True).click()
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"for {household}?")
    dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(dialog).to_have_count(0)


def wait_until_filled(window: Tab) -> None:
    """The blotter refreshes by itself; nobody presses anything."""
    expect(window.page.locator("#results")).to_contain_text("nothing is on its way", timeout=TRADES_MS)
    assert set(window.page.locator("td[data-label=State]").all_inner_texts()) == {"Filled"}


def an_adviser_takes_a_household_from_drift_to_filled_and_the_client_reads_why(browser: Browser, stack: Stack) -> None:
    found: list[str] = []
    with tab(browser, stack.url) as adviser:
        adviser.go("/accounts/login/")
        found += adviser.look(name="sign-in")
        adviser.sign_in(ADVISER)
        found += adviser.look(name="worklist, never scanned")
        scan(adviser)
        found += adviser.look(name="worklist")
        adviser.page.locator("#tile-BAND_BREACHED").click()
        expect(adviser.page.get_by_role("group", name="Filters that are on")).to_contain_text("Outside a band")
        adviser.page.get_by_role("link", name="Alder", exact=True).click()
        found += adviser.look(name="proposal")
        adviser.page.go_back()
        approve(adviser, "Alder", "Agreed with the client by phone.")
        expect(adviser.page.locator("#status")).to_contain_text("orders are on their way")
        adviser.page.get_by_role("link", name="See its orders").click()
        wait_until_filled(adviser)
        found += adviser.look(name="orders")
        adviser.page.locator("a.row-link").first.click()
        expect(adviser.page.get_by_role("heading", name="Executions")).to_be_visible()
        found += adviser.look(name="order")
        for name, path in (("accounts", "/book/"), ("models", "/models/"), ("problems", "/problems/")):
            adviser.go(path)
            found += adviser.look(name=name)
        adviser.go("/book/")
        adviser.page.get_by_role("link", name="Alder Individual").click()
        found += adviser.look(name="account")
    with tab(browser, stack.url, width=360) as client:
        client.sign_in(CLIENT)
        expect(client.page.get_by_role("heading", level=1)).to_contain_text("Your portfolio is on plan.")
        client.page.get_by_text(re.compile(r"The \d+ steps")).click()
        expect(client.page.locator(".timeline")).to_contain_text("Sold")
        found += client.look(name="client")
    assert "\n".join(found) == ""


def another_scenario_is_chosen_by_keyboard_and_its_trades_are_the_ones_approved(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser:
        adviser.sign_in(ADVISER)
        scan(adviser)
        page = adviser.page
        page.get_by_role("link", name="Gum", exact=True).click()
        page.get_by_label("Closest to the model").focus()
        for key in ("ArrowUp", "ArrowUp", "Enter"):
            page.keyboard.press(key)
        expect(page.locator("#status")).to_contain_text("The proposal now holds these trades.")
        expect(page.locator("tr.held")).to_contain_text("Least tax")
        assert adviser.look(name="proposal, switched") == []
        sales = page.locator(".side-SELL")
        expect(sales).to_have_count(1)
        page.get_by_text("1 lot of VTI").click()
        expect(page.locator("details.lots[open]")).to_contain_text("Short")
        page.get_by_role("button", name="Approve…").click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        expect(page.locator("#status")).to_contain_text("orders are on their way")
        expect(page.get_by_role("button", name="Use the marked scenario")).to_have_count(0)
        page.get_by_role("link", name="See its orders").click()
        wait_until_filled(adviser)


def above_the_limit_a_second_person_sends_the_orders(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser, tab(browser, stack.url) as owner:
        adviser.sign_in(ADVISER)
        scan(adviser)
        approve(adviser, "Cherry")
        expect(adviser.page.locator("#status")).to_contain_text("A second approver is needed")
        expect(adviser.page.get_by_role("button", name="Approve…")).to_have_count(0)
        owner.sign_in(OWNER)
        approve(owner, "Cherry")
        expect(owner.page.locator("#status")).to_contain_text("orders are on their way")
        owner.page.get_by_role("link", name="See its orders").click()
        wait_until_filled(owner)


def a_budget_set_on_the_page_binds_at_the_next_look(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser:
        adviser.sign_in(ADVISER)
        adviser.go("/book/")
        page = adviser.page
        page.get_by_role("link", name="Oak Individual").click()
        page.get_by_role("link", name="taxes and budgets").click()
        page.get_by_label("Net gain at most this year, $").fill("5000")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Saved.")
        expect(page.locator(".facts-band")).to_contain_text("$5,000 left of $5,000")
        found = adviser.look(name="taxes")
        page.get_by_label("Short-term rate, %").fill("408")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".errorlist")).to_contain_text("A rate must be below 100 %.")
        adviser.complaints.clear()
        found += adviser.look(name="taxes, refused")
        adviser.go("/worklist/")
        scan(adviser)
        page.get_by_role("link", name="Oak", exact=True).click()
        expect(page.locator(".facts-band")).to_contain_text("used $4,950 of $5,000, left $50")
    assert "\n".join(found) == ""


def accounts_that_follow_one_target_are_approved_as_one(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser:
        adviser.sign_in(ADVISER)
        scan(adviser)
        page = adviser.page
        page.get_by_role("link", name="Oak", exact=True).click()
        expect(page.locator("#by-class + .quiet")).to_have_text("its accounts follow this target together")
        found = adviser.look(name="joint proposal")
        expect(page.get_by_text("By class", exact=True)).to_have_count(0)
        page.get_by_role("button", name="Approve…").click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        page.get_by_role("link", name="See its orders").click()
        wait_until_filled(adviser)
        adviser.go("/book/")
        page.get_by_role("link", name="Oak Roth_Ira").click()
        expect(page.locator("main")).to_contain_text("follow one target together: what is shown here is the household")
        found += adviser.look(name="joint account")
    assert "\n".join(found) == ""


def a_range_and_an_alternate_are_set_on_their_pages_and_kept_at_the_next_look(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as owner:
        owner.sign_in(OWNER)
        owner.go("/models/")
        page = owner.page
        page.get_by_role("link", name="Change alternates of Growth").click()
        found = owner.look(name="alternates, none")
        page.get_by_label("In place of").select_option(label="BND · Vanguard Total Bond Market ETF")
        page.get_by_label("First choice").fill("agg")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Saved.")
        found += owner.look(name="alternates")
        page.get_by_role("link", name="Change the alternates of BND").click()
        expect(page.get_by_label("First choice")).to_have_value("AGG")
        owner.go("/book/?q=Fir")
        page.get_by_role("link", name="Fir Individual").click()
        page.get_by_role("link", name="Change hold ranges").click()
        found += owner.look(name="ranges, none")
        page.get_by_label("Security").select_option(label="VTI · Vanguard Total Stock Market ETF")
        page.get_by_label("Counted in").select_option("WEIGHT")
        page.get_by_label("Keep at most").fill("20")
        page.get_by_label("Why").fill("She works for one of its largest companies")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Saved.")
        expect(page.locator("tbody")).to_contain_text("at most 20% of the account")
        found += owner.look(name="ranges")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".errorlist").first).to_contain_text("Choose the security that is kept.")
        owner.complaints.clear()
        found += owner.look(name="ranges, refused")
        owner.go("/worklist/")
        scan(owner)
        page.get_by_role("link", name="Fir", exact=True).click()
        expect(page.locator("main")).to_contain_text("Held in a range")
    assert "\n".join(found) == ""


def the_keyboard_is_enough_to_reject(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser:
        adviser.sign_in(ADVISER)
        scan(adviser)
        adviser.go("/worklist/?q=Fir")
        page = adviser.page
        page.keyboard.press("j")
        page.keyboard.press("r")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Reject the proposal for")
        dialog.get_by_label("Reason").select_option("TIMING")
        dialog.get_by_label("In your words").fill("After the quarter's end.")
        dialog.get_by_role("button", name="Reject", exact=True).click()
        expect(page.locator("#status")).to_contain_text("Not the right time: After the quarter's end.")


def two_hundred_are_approved_at_once_and_what_goes_wrong_is_explained_by_itself(browser: Browser, stack: Stack) -> None:
    with tab(browser, stack.url) as adviser:
        adviser.sign_in(CEDAR_ADVISER)
        scan(adviser)
        page = adviser.page
        page.get_by_role("link", name="Approve all that match…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Approve 200 proposals?")
        found = adviser.look(name="approve many")
        stack.set_faults(
            {"kind": "REJECT", "symbol": "VEA", "times": 1}, {"kind": "BUST", "symbol": "VTI", "times": 1, "seconds": 5}
        )
        page.get_by_role("button", name="Approve 200 proposals").click(timeout=TRADES_MS)
        expect(page.get_by_role("heading", level=1)).to_have_text("200 of 200 approved", timeout=TRADES_MS)
        found += adviser.look(name="approved many", widths=(360,))
        page.get_by_role("link", name="Watch the orders").click()
        page.evaluate("() => { window.neverLoadedAnew = true }")
        attention = page.locator("section", has=page.get_by_role("heading", name="What went otherwise than planned"))
        expect(attention).to_contain_text("Schwab refused the order. Its words:", timeout=TRADES_MS)
        expect(attention).to_contain_text("Schwab took back its fill of", timeout=TRADES_MS)
        expect(attention).to_contain_text("The shares are back in the lots they came from")
        expect(page.locator("#results")).to_contain_text("nothing is on its way", timeout=TRADES_MS)
        assert page.evaluate("() => window.neverLoadedAnew")
        found += adviser.look(name="orders, two to look at")
        attention.get_by_role("link", name=re.compile("^Sell .* VTI")).click()
        expect(page.locator("#live")).to_contain_text("took back its fill of")
        expect(page.locator("#live")).to_contain_text("Bust")
        found += adviser.look(name="order, taken back")
    assert "\n".join(found) == ""


WALKS: tuple[Callable[[Browser, Stack], None], ...] = (
    an_adviser_takes_a_household_from_drift_to_filled_and_the_client_reads_why,
    another_scenario_is_chosen_by_keyboard_and_its_trades_are_the_ones_approved,
    a_budget_set_on_the_page_binds_at_the_next_look,
    accounts_that_follow_one_target_are_approved_as_one,
    above_the_limit_a_second_person_sends_the_orders,
    a_range_and_an_alternate_are_set_on_their_pages_and_kept_at_the_next_look,
    the_keyboard_is_enough_to_reject,
    two_hundred_are_approved_at_once_and_what_goes_wrong_is_explained_by_itself,
)


def test_one_day(browser: Browser, stack: Stack, subtests: pytest.Subtests) -> None:
    """One test, so that parallel workers start the product once and not once each."""
    for walk in WALKS:
        with subtests.test(walk.__name__):
            walk(browser, stack)
