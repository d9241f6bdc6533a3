from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import rebalancer.engine

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(rebalancer.engine.__path__, prefix="rebalancer.engine.")
)
FOREIGN = ("django", "celery", "rest_framework", "psycopg", "redis", "httpx", "pydantic", "pandas", "logging.config")


def modules_loaded_by(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement."""
    listed = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.split())


def test_this_way_of_looking_would_see_a_framework() -> None:
    assert "django" in modules_loaded_by("import django")


def test_the_engine_loads_no_framework_however_it_is_imported() -> None:
    loaded = modules_loaded_by("\n".join(f"import {name}" for name in MODULES))
    assert {name for name in FOREIGN if name in loaded} == set()
    assert {name for name in loaded if name.split(".")[0] in {"accounts", "portfolios", "trading"}} == set()


@pytest.mark.parametrize("package", ["rebalancer", "accounts", "portfolios", "trading"])
def test_the_packages_of_the_house_stay_empty(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_text() == ""


def test_the_engine_reads_no_clock() -> None:
    readers = ("datetime.now(", "date.today(", "time.time(", "perf_counter(", "monotonic(")
    sources = (ROOT / "rebalancer" / "engine").rglob("*.py")
    assert [path.name for path in sources if any(reader in path.read_text() for reader in readers)] == []
