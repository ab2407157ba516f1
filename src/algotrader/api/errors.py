"""What a client is told that asked for something that cannot be: a code, a sentence, a hint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from algotrader.core.errors import (
    AlgotraderError,
    ConfigurationError,
    DataError,
    StrategyError,
    UsageError,
    VersionError,
)

_STATUS: Final[Mapping[type[AlgotraderError], int]] = {
    UsageError: 422,
    ConfigurationError: 422,
    DataError: 409,
    StrategyError: 422,
    VersionError: 409,
}
_BY_CODE: Final[Mapping[str, int]] = {
    "journal.missing": 404,
    "run.unknown": 404,
    "works.full": 429,
    "order.no_trader": 409,
    "risk.unconfirmed": 409,
    "risk.limit_refused": 409,
    "strategy.reload_refused": 409,
}


class ApiError(AlgotraderError):
    """A refusal of the API's own. `status` is HTTP's."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.status = status
        self.headers = dict(headers or {})


def not_found(what: str, name: str, known: str | None = None) -> ApiError:
    return ApiError(404, f"{what}.unknown", f"there is no {what} {name!r}", hint=known)


def status_of(error: AlgotraderError) -> int:
    """The HTTP status of an error that a person can cause."""
    if isinstance(error, ApiError):
        return error.status
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 503)
