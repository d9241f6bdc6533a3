"""Stopping trading, and letting it go on: one person stops; to go on, one asks and another agrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import Account
from accounts.services import audit
from accounts.tenancy import firm_scope
from portfolios.models import Security
from trading.models import BrokerConnection, TradingHalt
from trading.services.cancels import Cancelled, cancel_open
from trading.services.stops import wait_for_claims

Level = TradingHalt.Level
REASON_LENGTH = 300
OPERATOR = "operator "
"""How the name of who runs the installation begins, where a halt is not a member's."""


class HaltNotFound(LookupError):
    """The firm has no such halt."""


class ScopeNotFound(LookupError):
    """What is to be stopped does not exist in this firm."""


class ReasonNeeded(ValueError):
    """A halt says why."""


class AlreadyLifted(RuntimeError):
    """Trading goes on already."""


class NobodyAsked(RuntimeError):
    """There is nothing to agree to."""


class SecondPersonNeeded(RuntimeError):
    """Who asks to lift a halt cannot be the one who agrees."""


REFUSALS = (ReasonNeeded, ScopeNotFound, AlreadyLifted, NobodyAsked, SecondPersonNeeded)
"""What an act on a halt meets; each says in a sentence what to do."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is stopped: all of the firm's trading, or only what matches everything named here."""

    connection_id: int | None = None
    account_id: int | None = None
    security_id: int | None = None

    def orders(self) -> Q:
        """The orders it covers."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return Q(**{name: number for name, number in named.items() if number is not None})


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Raised:
    """A halt that is in force, and what became of open orders if they were to be cancelled."""

    halt_id: int
    cancelled: Cancelled


def raise_halt(
    *,
    firm_id: int,
    reason: str,
    by: str,
    at: datetime,
    scope: Scope = EVERYTHING,
    level: str = Level.HALTED,
    cancel: bool = False,
    is_automatic: bool = False,
) -> Raised:
    """Stop trading at once; with `cancel`, every open order in the scope is cancelled in the same act.

    Once this is committed no order in the scope is claimed for sending. What was claimed before may still arrive.

    :raises ReasonNeeded: if no reason is given
    :raises ScopeNotFound: if the firm has no such connection or account, or there is no such security
    """
    if not reason.strip():
        raise ReasonNeeded("Say why trading is stopped: the reason stands with every order that it holds.")
    with firm_scope(firm_id):
        wait_for_claims(firm_id)
        _check(firm_id, scope)
        halt = TradingHalt.objects.for_firm(firm_id).create(
            connection_id=scope.connection_id,
            account_id=scope.account_id,
            security_id=scope.security_id,
            level=Level(level),
            reason=reason.strip()[:REASON_LENGTH],
            raised_by=by,
            raised_at=at,
            is_automatic=is_automatic,
        )
        why = f"Cancelled by {by}, who stopped trading: {halt.reason}"
        ended = cancel_open(firm_id=firm_id, which=scope.orders(), why=why, at=at) if cancel else Cancelled()
        _record(halt, "TRADING_HALTED", by, at, cancelled_here=ended.here, cancels_asked=ended.asked)
        return Raised(halt.pk, ended)


def ask_to_lift(*, firm_id: int, halt_id: int, by: str, at: datetime, why: str) -> None:
    """Ask that trading goes on; it stays stopped until somebody else agrees. Asking again names the new asker.

    :raises HaltNotFound: if the firm has no such halt
    :raises AlreadyLifted: if it is lifted
    :raises ReasonNeeded: if nothing says why trading may go on
    """
    with firm_scope(firm_id):
        halt = _in_force(firm_id, halt_id)
        if not why.strip():
            raise ReasonNeeded("Say why trading may go on: whoever agrees reads it.")
        halt.lift_asked_by, halt.lift_asked_at = by, at
        halt.save(update_fields=["lift_asked_by", "lift_asked_at"])
        _record(halt, "HALT_LIFT_ASKED", by, at, why=why.strip())


def agree_to_lift(*, firm_id: int, halt_id: int, by: str, at: datetime) -> None:
    """Lift a halt that somebody else asked to lift; orders that it held go on.

    :raises HaltNotFound: if the firm has no such halt
    :raises AlreadyLifted: if it is lifted
    :raises NobodyAsked: if nobody asked
    :raises SecondPersonNeeded: if the same person asked
    """
    with firm_scope(firm_id):
        halt = _in_force(firm_id, halt_id)
        if not halt.lift_asked_by:
            raise NobodyAsked("Nobody asked to lift this halt yet. Ask first; then another person agrees.")
        if halt.lift_asked_by == by:
            raise SecondPersonNeeded("You asked to lift this halt yourself: another person has to agree.")
        halt.lifted_by, halt.lifted_at = by, at
        halt.save(update_fields=["lifted_by", "lifted_at"])
        _record(halt, "HALT_LIFTED", by, at, asked_by=halt.lift_asked_by)


def lift_operators(*, firm_id: int, asked_by: str, agreed_by: str, why: str, at: datetime) -> int:
    """Lift the halts of a firm that the installation's operator raised; how many.

    :raises ReasonNeeded: if nothing says why trading may go on
    :raises SecondPersonNeeded: if one person asks and agrees
    """
    with firm_scope(firm_id):
        rows = TradingHalt.objects.for_firm(firm_id).filter(lifted_at=None, raised_by__startswith=OPERATOR)
        halts = list(rows.order_by("id").values_list("id", flat=True))
        for halt_id in halts:
            ask_to_lift(firm_id=firm_id, halt_id=halt_id, by=f"{OPERATOR}{asked_by}", at=at, why=why)
            agree_to_lift(firm_id=firm_id, halt_id=halt_id, by=f"{OPERATOR}{agreed_by}", at=at)
        return len(halts)


def _in_force(firm_id: int, halt_id: int) -> TradingHalt:
    halt = TradingHalt.objects.for_firm(firm_id).select_for_update().filter(pk=halt_id).first()
    if halt is None:
        raise HaltNotFound(halt_id)
    if halt.lifted_at is not None:
        raise AlreadyLifted(f"{halt.lifted_by} lifted this halt already; trading goes on.")
    return halt


def _check(firm_id: int, scope: Scope) -> None:
    wanted = (
        (scope.connection_id, BrokerConnection.objects.for_firm(firm_id), "connection to a custodian"),
        (scope.account_id, Account.objects.for_firm(firm_id), "account"),
        (scope.security_id, Security.objects.all(), "security"),
    )
    for number, rows, name in wanted:
        if number is not None and not rows.filter(pk=number).exists():
            raise ScopeNotFound(f"There is no such {name}; nothing was stopped.")


def _record(halt: TradingHalt, action: str, by: str, at: datetime, **more: object) -> None:
    audit.record(
        firm_id=halt.firm_id,
        at=at,
        actor=by,
        action=action,
        subject="halt",
        subject_id=halt.pk,
        level=str(halt.level),
        reason=halt.reason,
        connection=halt.connection_id,
        account=halt.account_id,
        security=halt.security_id,
        **more,
    )
