"""Who calls: a key in the Authorization header, checked anew with every request."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from rest_framework.request import Request

from trading.api.problems import Problem, not_found
from trading.selectors.custodian_api import Caller, Credential, caller_for, credential_of

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="custodian"'}


def authenticate(request: Request, *, at: datetime) -> Credential:
    """The credential of the key that the request carries.

    :raises Problem: 401 without a key that is in force; it does not tell what is wrong with the key
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    credential = credential_of(token.strip(), at=at) if scheme.lower() == "bearer" else None
    if credential is None:
        detail = "Send a key that is in force: Authorization: Bearer cust_…"
        raise Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=CHALLENGE)
    return credential


def caller_in(credential: Credential, firm_slug: str, *, request_id: str) -> Caller:
    """The caller in the firm of the path.

    :raises Problem: 404 for a firm that the credential does not serve: that it exists does not leak
    """
    caller = caller_for(credential, firm_slug, request_id=request_id)
    if caller is None:
        raise not_found("There is no such firm.")
    return caller


def require_scope(caller: Caller, scope: str) -> None:
    """:raises Problem: 403 if the credential was not granted the scope"""
    if scope not in caller.credential.scopes:
        raise Problem(HTTPStatus.FORBIDDEN, "missing_scope", f"This key was not granted {scope}.")
