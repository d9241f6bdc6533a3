from accounts.models.audit import AuditEvent
from accounts.models.custody import (
    TAX_STATUS_OF,
    Account,
    CashReserve,
    Custodian,
    Registration,
    ScheduledFlow,
    TaxStatus,
)
from accounts.models.firm import Firm, Membership, User
from accounts.models.households import Client, FilingStatus, Household, TaxProfile

__all__ = [
    "TAX_STATUS_OF",
    "Account",
    "AuditEvent",
    "CashReserve",
    "Client",
    "Custodian",
    "FilingStatus",
    "Firm",
    "Household",
    "Membership",
    "Registration",
    "ScheduledFlow",
    "TaxProfile",
    "TaxStatus",
    "User",
]
