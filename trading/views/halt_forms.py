"""The form that stops trading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from trading.selectors.halts import NoSuchScope, account_named, security_named
from trading.services.halts import REASON_LENGTH, Scope

WHOLE_FIRM, CONNECTION, ACCOUNT, SECURITY = "FIRM", "CONNECTION", "ACCOUNT", "SECURITY"
SCOPES = (
    (WHOLE_FIRM, "All trading of the firm"),
    (CONNECTION, "Everything at one custodian"),
    (ACCOUNT, "One account"),
    (SECURITY, "One security, in all accounts"),
)
LEVELS = (("HALTED", "Nothing is sent"), ("REDUCING", "Only sells are sent"))
NEEDED = {"connection": CONNECTION, "account": ACCOUNT, "security": SECURITY}


class HaltForm(forms.Form):
    """What `trading.services.halts.raise_halt` takes."""

    scope = forms.ChoiceField(label="What to stop", choices=SCOPES, initial=WHOLE_FIRM)
    account = forms.CharField(
        label="Account number", required=False, max_length=64, empty_value=None, help_text="For one account."
    )
    security = forms.CharField(
        label="Symbol", required=False, max_length=16, empty_value=None, help_text="For one security."
    )
    level = forms.ChoiceField(label="How far", choices=LEVELS, initial="HALTED")
    reason = forms.CharField(
        label="Why",
        max_length=REASON_LENGTH,
        help_text="Stands with every order that it holds, and in the audit trail.",
        error_messages={"required": "Say why trading is stopped."},
    )
    cancel = forms.BooleanField(label="Cancel all open orders too", required=False)

    def __init__(self, *args: Any, firm_id: int, connections: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.firm_id = firm_id
        self.fields["connection"] = forms.TypedChoiceField(
            label="Custodian",
            choices=[("", "Choose one…"), *connections],
            required=False,
            coerce=int,
            empty_value=None,
            help_text="For everything at one custodian.",
        )
        self.order_fields(["scope", "connection", "account", "security", "level", "reason", "cancel"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for name, scope in NEEDED.items():
            if values.get("scope") == scope and not values.get(name) and name not in self.errors:
                self.add_error(name, "Say which one.")
        if not self.errors:
            self._find(values)
        return values

    def scope_of(self) -> Scope:
        """What is stopped, once the form is valid."""
        found: Scope = self.cleaned_data["found"]
        return found

    def _find(self, values: dict[str, Any]) -> None:
        name = next((name for name, scope in NEEDED.items() if scope == values["scope"]), "")
        try:
            values["found"] = self._scope(name, values)
        except NoSuchScope as error:
            self.add_error(name, str(error))

    def _scope(self, name: str, values: dict[str, Any]) -> Scope:
        if name == "account":
            return Scope(account_id=account_named(self.firm_id, values[name]))
        if name == "security":
            return Scope(security_id=security_named(values[name]))
        return Scope(connection_id=values["connection"]) if name else Scope()
