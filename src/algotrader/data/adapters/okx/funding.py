"""Settled funding of OKX's perpetuals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS
from algotrader.data.adapters.okx.names import inst_id
from algotrader.data.adapters.okx.rest import NoAnswerError, OkxRest
from algotrader.data.funding import LONGEST_INTERVAL_MS

log = logging.getLogger(__name__)


class OkxFundingRates:
    """Asks for one settlement at a time. Needs no keys."""

    def __init__(self, rest: OkxRest) -> None:
        self._rest = rest

    async def settled(self, symbol: Symbol, ts: int) -> float | None:
        """The rate settled at the full hour `ts` (UTC ms): a fraction, longs pay above 0.

        0 where nothing is settled at that hour; None if that is not known: without an answer, and
        at 00:00, 08:00 and 16:00 UTC, when every perpetual settles.
        """
        params = {
            "instId": inst_id(symbol),
            "before": str(ts - HOUR_MS // 2),
            "after": str(ts + HOUR_MS // 2),
        }
        try:
            answer = await self._rest.get("public/funding-rate-history", params)
        except NoAnswerError as error:
            log.warning("funding of %s could not be asked for: %s", symbol, error)
            return None
        if not answer.is_ok:
            log.warning("funding of %s: %s %s", symbol, answer.code, answer.message)
            return None
        rates = [rate for row in answer.rows if (rate := _rate(row)) is not None]
        if rates:
            return rates[0]
        return None if ts % LONGEST_INTERVAL_MS == 0 else 0.0


def _rate(row: Mapping[str, Any]) -> float | None:
    try:
        return float(row.get("realizedRate") or row["fundingRate"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
