"""Every way in, tried as nobody, as the wrong role, as the wrong firm. A route without a row here fails a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Membership
from accounts.roles import RIGHTS, Right, Role
from portfolios.models import DataProblem
from tests.screens import HTMX, browser, make_orders, make_scan
from tests.trading.services.blocks.shared import make_bare_block
from tests.trading.views.test_breaks import make_break
from tests.worlds import NOW, Birch, Cedar, World, make_account, make_household
from trading.models import Order, Proposal
from trading.services.halts import raise_halt

SIGN_IN = "/accounts/login/"
FIRM_ROLES = tuple(Role.values)


@dataclass(frozen=True, slots=True)
class Door:
    """One route: who may pass, and the row of a firm it is about."""

    name: str
    right: Right | None
    row: str = ""
    method: str = "GET"

    def address(self, rows: Mapping[str, int]) -> str:
        return reverse(self.name, args=[rows[self.row]] if self.row else [])

    def knock(self, client: Client, rows: Mapping[str, int], **headers: str) -> Any:
        return client.generic(self.method, self.address(rows), headers=headers)

    def opens_to(self, role: str) -> bool:
        return self.right is None or self.right in RIGHTS[role]


DOORS = (
    Door("home", None),
    Door("choose-firm", None),
    Door("worklist", Right.VIEW_BOOK),
    Door("scan-start", Right.SCAN, method="POST"),
    Door("scan-progress", Right.VIEW_BOOK, row="scan"),
    Door("proposal", Right.VIEW_BOOK, row="proposal"),
    Door("proposals-approve", Right.APPROVE),
    Door("proposal-approve", Right.APPROVE, row="proposal", method="POST"),
    Door("proposal-scenario", Right.APPROVE, row="proposal", method="POST"),
    Door("proposal-reject", Right.APPROVE, row="proposal", method="POST"),
    Door("orders", Right.VIEW_BOOK),
    Door("orders-file", Right.VIEW_BOOK),
    Door("orders-cancel", Right.APPROVE),
    Door("order", Right.VIEW_BOOK, row="order"),
    Door("order-cancel", Right.APPROVE, row="order", method="POST"),
    Door("order-ask", Right.APPROVE, row="order", method="POST"),
    Door("order-note", Right.APPROVE, row="order", method="POST"),
    Door("halts", Right.VIEW_BOOK),
    Door("halt-raise", Right.HALT, method="POST"),
    Door("halt-ask", Right.HALT, row="halt", method="POST"),
    Door("halt-agree", Right.LIFT_HALTS, row="halt", method="POST"),
    Door("breaks", Right.VIEW_BOOK),
    Door("breaks-file", Right.VIEW_BOOK),
    Door("break-assign", Right.MANAGE_BREAKS, row="break", method="POST"),
    Door("break-close", Right.MANAGE_BREAKS, row="break", method="POST"),
    Door("run", Right.VIEW_BOOK, row="run"),
    Door("blocks", Right.VIEW_BOOK),
    Door("block", Right.VIEW_BOOK, row="block"),
    Door("block-ask", Right.APPROVE, row="block", method="POST"),
    Door("block-decide", Right.AGREE_SHARES, row="block", method="POST"),
    Door("fairness", Right.VIEW_BOOK),
    Door("fairness-file", Right.VIEW_BOOK),
    Door("models", Right.VIEW_BOOK),
    Door("model-alternates", Right.VIEW_BOOK, row="model"),
    Door("model-alternates-change", Right.MANAGE_MODELS, row="model", method="POST"),
    Door("problems", Right.VIEW_BOOK),
    Door("accounts", Right.VIEW_BOOK),
    Door("account", Right.VIEW_BOOK, row="account"),
    Door("account-ranges", Right.VIEW_BOOK, row="account"),
    Door("account-range-set", Right.MANAGE_RANGES, row="account", method="POST"),
    Door("account-range-drop", Right.MANAGE_RANGES, row="account", method="POST"),
    Door("household-taxes", Right.VIEW_BOOK, row="household"),
    Door("household-wash-sales", Right.VIEW_BOOK, row="household"),
    Door("household-wash-sales-file", Right.VIEW_BOOK, row="household"),
    Door("household-taxes-change", Right.MANAGE_TAXES, row="household", method="POST"),
    Door("client-home", Right.VIEW_OWN_PLAN),
)
# What django-allauth gives: signing in and out, one's own password, address and second factor. Nothing of any firm.
PUBLIC = frozenset(
    {
        "account_login",
        "account_logout",
        "account_signup",
        "account_inactive",
        "account_email_verification_sent",
        "account_confirm_email",
        "account_confirm_login_code",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "mfa_authenticate",
    }
)
OWN = frozenset(
    {
        "account_change_password",
        "account_email",
        "account_reauthenticate",
        "account_set_password",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_download_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_view_recovery_codes",
    }
)
# The custodians' API has keys instead of sessions; its doors are tried in tests/trading/api.
KEYED = ("api/",)

OF_A_ROW = tuple(door for door in DOORS if door.row)
POSTS = tuple(door for door in DOORS if door.method == "POST")


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(address pattern, name) of everything the resolver knows."""
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        else:
            yield path, entry.name or path


@pytest.fixture
def rows(birch: Birch) -> dict[str, int]:
    return rows_of(birch)


def rows_of(world: World) -> dict[str, int]:
    """Real ids of a firm: an order of an approved proposal, an open proposal of the scan after it."""
    first = make_orders(world)[0]
    scan = make_scan(world)
    proposal = Proposal.objects.for_firm(world.firm_id).order_by("id").last()
    assert proposal is not None
    halt = raise_halt(firm_id=world.firm_id, reason="A test", by="ann", at=NOW, level="REDUCING")
    return {
        "break": make_break(world).pk,
        "block": make_bare_block(world).pk,
        "halt": halt.halt_id,
        "order": first.pk,
        "run": first.run_id or 0,
        "scan": scan,
        "proposal": proposal.pk,
        "account": world.account.pk,
        "household": world.household.pk,
        "model": world.model.pk,
    }


def test_every_route_is_in_the_table() -> None:
    known = {name for path, name in routes(get_resolver().url_patterns) if not path.startswith(KEYED)}
    assert known == {door.name for door in DOORS} | PUBLIC | OWN


def test_nobody_is_sent_to_the_sign_in(rows: dict[str, int]) -> None:
    answers = {door.name: place(door.knock(Client(), rows)) for door in DOORS}
    assert answers == {door.name: (302, SIGN_IN) for door in DOORS}


def place(answer: Any) -> tuple[int, str]:
    """The status, and where to."""
    return answer.status_code, answer.headers.get("Location", "").split("?")[0]


@pytest.mark.parametrize("name", sorted(OWN))
def test_nobody_has_nothing_of_his_own_to_change(name: str, db: None) -> None:
    assert place(Client().get(reverse(name))) == (302, SIGN_IN)


@pytest.mark.parametrize("name", ["account_confirm_login_code", "mfa_authenticate"])
def test_nobody_enters_a_second_step_without_the_first(name: str, db: None) -> None:
    assert place(Client().get(reverse(name))) == (302, SIGN_IN)


def test_nobody_can_sign_himself_up(db: None) -> None:
    form = {"email": "eve@birch.example", "password1": "a long enough secret", "password2": "a long enough secret"}
    answer = Client().post(reverse("account_signup"), form)
    assert "made by invitation" in answer.content.decode()
    assert "_auth_user_id" not in answer.client.session


def test_a_door_opens_to_the_roles_that_have_its_right_and_to_no_other(rows: dict[str, int], birch: Birch) -> None:
    clients = {role: browser(birch, role) for role in FIRM_ROLES}
    opened = {
        door.name: {role for role, client in clients.items() if door.knock(client, rows).status_code != 404}
        for door in DOORS
    }
    assert opened == {door.name: {role for role in FIRM_ROLES if door.opens_to(role)} for door in DOORS}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_the_other_firms_rows_do_not_exist(
    headers: dict[str, str], rows: dict[str, int], birch: Birch, cedar: Cedar
) -> None:
    client, none = browser(cedar, "OWNER"), dict.fromkeys(rows, 987654321)
    theirs = {door.name: door.knock(client, rows, **headers) for door in OF_A_ROW}
    nobodys = {door.name: door.knock(client, none, **headers) for door in OF_A_ROW}
    ours = {door.name: door.knock(browser(birch, "OWNER"), rows, **headers) for door in OF_A_ROW}
    assert {name: answer.status_code for name, answer in theirs.items()} == dict.fromkeys(theirs, 404)
    assert [name for name in theirs if theirs[name].content != nobodys[name].content] == []
    assert [name for name, answer in ours.items() if answer.status_code == 404] == [], "shows nothing unless they exist"


def test_what_the_other_firm_posts_changes_nothing(rows: dict[str, int], cedar: Cedar, birch: Birch) -> None:
    before = states(birch)
    for door in POSTS:
        if door.row:
            door.knock(browser(cedar, "OWNER"), rows)
    assert states(birch) == before


def states(world: World) -> list[Any]:
    proposals = Proposal.objects.for_firm(world.firm_id).order_by("id").values_list("id", "status", "version")
    orders = Order.objects.for_firm(world.firm_id).order_by("id").values_list("id", "status", "version")
    return [*proposals, *orders]


def test_a_form_from_elsewhere_is_refused(rows: dict[str, int], birch: Birch) -> None:
    before, client = states(birch), browser(birch, "OWNER", csrf=True)
    answers = {door.name: door.knock(client, rows).status_code for door in POSTS}
    assert (answers, states(birch)) == ({door.name: 403 for door in POSTS}, before)


@pytest.mark.parametrize("name", ["account_login", "account_logout", "account_reset_password", "choose-firm"])
def test_a_form_from_elsewhere_is_refused_before_any_firm(name: str, birch: Birch) -> None:
    assert browser(birch, csrf=True).post(reverse(name)).status_code == 403


def test_what_changes_something_is_not_done_by_a_link(rows: dict[str, int], birch: Birch) -> None:
    client = browser(birch, "OWNER")
    answers = {door.name: client.get(door.address(rows)).status_code for door in POSTS}
    assert answers == {door.name: 405 for door in POSTS}


LISTS = ("worklist", "orders", "breaks", "accounts", "models", "problems")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("headers", [{}, HTMX, {**HTMX, "HX-Target": "results"}], ids=["page", "htmx", "htmx part"])
def test_a_list_shows_the_rows_of_its_own_firm_alone(
    name: str, headers: dict[str, str], birch: Birch, cedar: Cedar
) -> None:
    mark(birch, "Zebrawood")
    mark(cedar, "Yellowwood")
    ours = browser(birch, "OWNER").get(reverse(name), headers=headers).content.decode()
    theirs = browser(cedar, "OWNER").get(reverse(name), headers=headers).content.decode()
    assert ("Zebrawood" in ours, "Yellowwood" in ours) == (True, False)
    assert ("Zebrawood" in theirs, "Yellowwood" in theirs) == (False, True)


def mark(world: World, word: str) -> None:
    """Give the firm rows on every list, all of which carry a word that no other firm has."""
    with world.scope():
        for row in (world.household, world.account, world.model):
            row.name = f"{word} {row.pk}"
            row.save(update_fields=["name"])
        make_orders(world)
        make_break(world, f"{word} {world.account.pk}")
        DataProblem.objects.for_firm(world.firm_id).create(
            account=world.account, code="BASIS", source="TEST", sentence=f"{word} has no basis.", opened_at=NOW
        )


def test_no_filter_reaches_into_another_firm(birch: Birch, cedar: Cedar) -> None:
    mark(birch, "Zebrawood")
    client = browser(cedar, "OWNER")
    asked = [
        reverse(name) + query for name in LISTS for query in ("?q=Zebrawood", "?tile=BAND_BREACHED", "?after=1_1_1")
    ]
    shown = f"Zebrawood {birch.household.pk}"
    assert [path for path in asked if shown in client.get(path, headers=HTMX).content.decode()] == []


def test_a_client_sees_his_own_household_alone(birch: Birch, cedar: Cedar) -> None:
    mark(cedar, "Yellowwood")
    other = make_household(birch.firm_id, name="Whitebeam")
    make_account(birch.firm_id, other, number="7007")
    page = browser(birch, "CLIENT").get(reverse("client-home")).content.decode()
    shown = [name in page for name in (birch.account.name, "Whitebeam", "Yellowwood")]
    assert shown == [True, False, False]


def test_a_membership_that_ends_closes_the_door_at_once(birch: Birch) -> None:
    client = browser(birch)
    assert client.get(reverse("worklist")).status_code == 200
    Membership.objects.for_firm(birch.firm_id).filter(pk=birch.adviser.id).update(is_active=False)
    assert client.get(reverse("worklist")).headers["Location"] == reverse("choose-firm")


def test_a_firm_is_chosen_only_by_its_members(birch: Birch, cedar: Cedar) -> None:
    answer = browser(birch).post(reverse("choose-firm"), {"firm": cedar.firm_id})
    assert answer.status_code == 404
