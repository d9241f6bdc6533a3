"""The description in the repository is the one the doors give."""

from __future__ import annotations

import json
from pathlib import Path

from trading.api import description

KEPT = Path(__file__).parents[3] / "docs/openapi/custodian-v1.yaml"


def test_the_description_in_the_repository_is_what_is_generated():
    assert KEPT.read_text() == description.as_yaml()


def test_every_door_is_described():
    paths = json.loads(description.as_json())["paths"]
    root = "/api/custodian/v1/"
    assert {path.removeprefix(root): list(doors) for path, doors in paths.items()} == {
        "firms/{firm_slug}/batches": ["post"],
        "firms/{firm_slug}/batches/{batch_id}": ["get"],
        "firms/{firm_slug}/executions": ["post"],
        "firms/{firm_slug}/orders": ["get"],
        "firms/{firm_slug}/orders/{order_id}": ["get"],
        "firms/{firm_slug}/orders/{order_id}/ack": ["post"],
        "firms/{firm_slug}/orders/{order_id}/events": ["post"],
        "firms/{firm_slug}/orders/{order_id}/reject": ["post"],
        "firms/{firm_slug}/orders:claim": ["post"],
        "health": ["get"],
        "openapi.json": ["get"],
    }
