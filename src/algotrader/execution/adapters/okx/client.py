"""One account's calls to OKX, with silence told as the broker port wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from algotrader.data.adapters.okx.rest import (
    Answer,
    NoAnswerError,
    OkxAddress,
    OkxKeys,
    OkxRest,
)
from algotrader.execution.broker import BrokerUnavailableError

__all__ = ["Answer", "OkxClient", "OkxKeys"]


class OkxClient:
    """One account, or without keys what is public.

    `base_url` replaces the venue's address, for look-alikes on this machine.
    """

    def __init__(
        self,
        keys: OkxKeys | None,
        address: OkxAddress | None = None,
        *,
        base_url: str | None = None,
    ) -> None:
        self.keys = keys
        self.address = address or OkxAddress(base_url=base_url)
        self.rest = OkxRest(keys, self.address)

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """BrokerUnavailableError without an answer that is OKX's."""
        try:
            return await self.rest.get(path, params)
        except NoAnswerError as error:
            raise BrokerUnavailableError(str(error)) from error

    async def post(
        self,
        path: str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        deadline_ms: int | None = None,
    ) -> Answer:
        """`deadline_ms` (UTC ms): the venue refuses the request if it arrives later."""
        try:
            return await self.rest.post(path, params, deadline_ms=deadline_ms)
        except NoAnswerError as error:
            raise BrokerUnavailableError(str(error)) from error

    async def close(self) -> None:
        await self.rest.close()
