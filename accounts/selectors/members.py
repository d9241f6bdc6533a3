"""Who is signed in, and in which firms he has a part."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accounts.models import Firm, Membership
from accounts.roles import Right, may
from accounts.tenancy import firm_scope


@dataclass(frozen=True, slots=True)
class Member:
    """A user in one firm: what a door passes to a service as the one who asks."""

    id: int
    firm_id: int
    firm_name: str
    user_id: int
    name: str
    email: str
    role: str
    household_id: int | None
    has_several_firms: bool = False

    def may(self, right: Right) -> bool:
        return may(self.role, right)


def memberships_of_user(user_id: int) -> list[Member]:
    """The user's active memberships, by firm name. Reads across firms what the user himself owns, nothing else."""
    with firm_scope(None, user_id=user_id):
        rows = Membership._base_manager.filter(user_id=user_id, is_active=True).select_related("firm", "user")
        members = [_member(row) for row in rows.order_by("firm__name", "id")]
    return [replace(member, has_several_firms=len(members) > 1) for member in members]


def member_by_email(firm_id: int, email: str) -> Member:
    """:raises Membership.DoesNotExist: if the firm has no such active member"""
    rows = Membership.objects.for_firm(firm_id).select_related("firm", "user")
    return _member(rows.get(user__email=email.lower(), is_active=True))


def member_with_role(firm_id: int, role: str) -> Member:
    """The firm's first active member with a role.

    :raises Membership.DoesNotExist: if there is none
    """
    rows = Membership.objects.for_firm(firm_id).select_related("firm", "user").filter(role=role, is_active=True)
    found = rows.order_by("id").first()
    if found is None:
        raise Membership.DoesNotExist(f"the firm has no active {role}")
    return _member(found)


def advisers(firm_id: int) -> list[Member]:
    rows = Membership.objects.for_firm(firm_id).select_related("firm", "user").filter(role="ADVISER", is_active=True)
    return [_member(row) for row in rows.order_by("user__name", "id")]


def firm_by_slug(slug: str) -> Firm | None:
    """The firm of a slug, found before any firm is chosen; only its id and name are readable."""
    found = list(Firm.objects.raw("SELECT id, slug, name FROM firm_by_slug(%s)", [slug]))
    return found[0] if found else None


def _member(row: Membership) -> Member:
    return Member(
        id=row.pk,
        firm_id=row.firm_id,
        firm_name=row.firm.name,
        user_id=row.user_id,
        name=str(row.user),
        email=row.user.email,
        role=row.role,
        household_id=row.household_id,
    )


def email_of_member(firm_id: int, member_id: int) -> str | None:
    """The address of an active member of the firm; nothing if there is none of this id."""
    rows = Membership.objects.for_firm(firm_id).filter(pk=member_id, is_active=True).exclude(role="CLIENT")
    found: str | None = rows.values_list("user__email", flat=True).first()
    return found


def staff(firm_id: int) -> list[Member]:
    """Everybody who works for the firm, by name."""
    rows = Membership.objects.for_firm(firm_id).select_related("firm", "user").filter(is_active=True)
    return [_member(row) for row in rows.exclude(role="CLIENT").order_by("user__name", "id")]
