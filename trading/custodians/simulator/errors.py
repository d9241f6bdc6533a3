"""Refusals in the words and numbers of the API that is simulated."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """An answer other than a success: HTTP status, Alpaca's code, a message, and the extra members some errors have."""

    def __init__(self, status: int, code: int, message: str, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"code": code, "message": message, **(extra or {})}


def bad_request(message: str) -> ApiError:
    return ApiError(400, 40010000, message)


def unauthorized() -> ApiError:
    return ApiError(401, 40110000, "request is not authorized")


def forbidden(message: str, extra: Mapping[str, str] | None = None) -> ApiError:
    return ApiError(403, 40310000, message, extra)


def not_found(message: str) -> ApiError:
    return ApiError(404, 40410000, message)


def duplicate_client_order_id() -> ApiError:
    return ApiError(422, 40010001, "client_order_id must be unique")


def unprocessable(message: str) -> ApiError:
    return ApiError(422, 42210000, message)


def too_many_requests() -> ApiError:
    return ApiError(429, 42910000, "rate limit exceeded")
