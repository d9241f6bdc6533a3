"""Who may be signed in as in the demonstration."""

from __future__ import annotations


def demo_sign_ins() -> list[dict[str, str]]:
    return []
