"""Stopping trading and letting it go on, as two people do it in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Stack
from tests.journeys.eyes import tab

pytestmark = [pytest.mark.browser, pytest.mark.journey]

ADVISER, COMPLIANCE = "adviser@birch.example", "compliance@birch.example"


def test_one_person_stops_trading_and_two_let_it_go_on(browser: Browser, stack: Stack) -> None:
    found: list[str] = []
    with tab(browser, stack.url) as adviser, tab(browser, stack.url, width=360) as compliance:
        adviser.sign_in(ADVISER)
        page = adviser.page
        adviser.go("/orders/")
        page.get_by_role("link", name="Stop trading…").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Trading halts")
        found += adviser.look(name="halts, none")
        page.get_by_label("Why").first.fill("Prices look wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Trading is stopped.")
        expect(page.get_by_role("region", name="Halts in force, table")).to_contain_text("Prices look wrong")
        page.get_by_label("What to stop").select_option("SECURITY")
        page.get_by_role("button", name="Stop it").click()
        expect(page.locator(".errorlist").first).to_be_visible()
        adviser.complaints.clear()
        found += adviser.look(name="halts, refused")
        adviser.go("/halts/")
        page.get_by_label("Why trading may go on for The whole firm").fill("The feed is mended")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Trading stays stopped")
        compliance.sign_in(COMPLIANCE)
        compliance.go("/halts/")
        found += compliance.look(name="halts, in force")
        compliance.page.get_by_role("button", name="Agree: trading goes on").click()
        expect(compliance.page.get_by_role("status").first).to_contain_text("Lifted.")
        found += compliance.look(name="halts, lifted")
        compliance.go("/breaks/")
        found += compliance.look(name="breaks, none")
    assert "\n".join(found) == ""
