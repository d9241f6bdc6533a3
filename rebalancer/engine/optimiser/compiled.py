"""How inner loops are compiled: once for a machine, kept beside the source; and exact integer arithmetic for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
HERE = Path(__file__).parent


def _sources() -> str:
    """A digest of the package: machine code is kept by function, and does not notice when what it calls changes."""
    whole = sha256()
    for path in sorted(HERE.glob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _place() -> Path | None:
    """Beside the source, or among the user's caches where that cannot be written."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for folder in (HERE / "__pycache__", caches / "rebalancer"):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder / f"native-{_sources()}"
    return None


KEPT = _place()
"""Where machine code is kept; None where there is no place for it, and every process compiles for itself."""
if KEPT is not None:
    setattr(numba.config, "CACHE_DIR", str(KEPT))  # noqa: B010 - a setting that numba declares at run time
_njit: Any = numba.njit

MICRO = 1_000_000
CENT = 10_000
"""Micro-dollars."""


_SETTINGS: dict[str, Any] = {"cache": KEPT is not None, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Nothing is allocated in compiled code: whoever calls it holds all arrays meanwhile. So none of it counts references,
which took half of its time; an array that it makes would not compile."""


def compiled(function: Function) -> Function:
    """Machine code that other compiled code calls; the interpreter cannot, which halves the time of compiling."""
    kernel: Function = _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_SETTINGS)(function)
    return kernel


def called(function: Function) -> Function:
    """Machine code that the interpreter calls, without its lock."""
    kernel: Function = _njit(**_SETTINGS)(function)
    return kernel


@compiled
def product(quantity: int, price: int) -> int:
    """Micro-shares times micro-dollars in micro-dollars, rounded down, within 64 bits. Neither is negative."""
    whole = quantity // MICRO
    rest = quantity - whole * MICRO
    dollars = price // MICRO
    return whole * price + rest * dollars + rest * (price - dollars * MICRO) // MICRO


@compiled
def remainder(quantity: int, price: int) -> int:
    """What `product` cut off, in millionths of a micro-dollar: 0 to 999,999."""
    rest = quantity - quantity // MICRO * MICRO
    return rest * (price - price // MICRO * MICRO) % MICRO


@compiled
def amount_cents(quantity: int, price: int) -> int:
    """Micro-shares times micro-dollars in whole cents, halves to even, as `money.cents` rounds the exact product."""
    micros = product(quantity, price)
    cents = micros // CENT
    over = micros - cents * CENT
    below = remainder(quantity, price)
    half = CENT // 2
    if over > half or (over == half and (below > 0 or cents % 2 == 1)):
        cents += 1
    return cents


@compiled
def cents_up(micros: int) -> int:
    """Micro-dollars up to the next cent."""
    return -(-micros // CENT)
