"""Why the API does not do what it was asked to: each with a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a request's body; `pointer` is its JSON Pointer (RFC 6901)."""

    pointer: str
    code: str
    detail: str


class Refusal(RuntimeError):
    """Nothing was done."""

    def __init__(self, code: str, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)


class NotThere(Refusal):
    """There is no such thing, as far as this caller may know."""


class Contradiction(Refusal):
    """It does not go with what is stored."""


class Unacceptable(Refusal):
    """It can be read, and cannot be true."""


class Outdated(Refusal):
    """The caller speaks of a version that is no longer the present one."""


class StillRunning(Refusal):
    """The same request is being carried out at this moment."""


class KeyReused(Refusal):
    """The idempotency key stands for another request."""
