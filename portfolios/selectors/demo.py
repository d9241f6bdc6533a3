"""Who may be signed in as in the demonstration. The password is public on purpose: the firms are made up."""

from __future__ import annotations

from accounts.roles import Role
from rebalancer.demo.people import ADVISERS

DEMO_PASSWORD = "rebalance-the-demo"  # noqa: S105 (shown on the demonstration's own sign-in page)

STAFF: tuple[tuple[str, str], ...] = (
    ("OWNER", "Olive Owner"),
    ("MODEL_MANAGER", "Mo Modeller"),
    ("TRADER", "Tess Trader"),
    ("COMPLIANCE", "Cal Compliance"),
    ("OPERATIONS", "Opal Operations"),
    ("READ_ONLY", "Rae Reader"),
    ("CLIENT", "Cleo Client"),
)
FIRMS = (("birch", "Birch Advisory"), ("cedar", "Cedar Wealth"))
SHOWN = ("OWNER", "COMPLIANCE", "CLIENT")


def demo_sign_ins() -> list[dict[str, str]]:
    """E-mail, password, name, role and firm of those the sign-in page offers."""
    people = [
        {"email": adviser.email, "name": adviser.name, "role": "ADVISER", "firm": name}
        for slug, name in FIRMS
        for adviser in ADVISERS[slug][:1]
    ] + [
        {"email": f"{role.lower()}@{slug}.example", "name": name, "role": role, "firm": firm}
        for slug, firm in FIRMS
        for role, name in STAFF
        if role in SHOWN
    ]
    return [
        {
            "email": one["email"],
            "password": DEMO_PASSWORD,
            "name": one["name"],
            "role_label": Role(one["role"]).label,
            "firm_name": one["firm"],
        }
        for one in people
    ]
