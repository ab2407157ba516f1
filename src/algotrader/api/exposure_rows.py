"""What is held by venue and side, as risk counts it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from algotrader.api.limit_history import newest_ms
from algotrader.core.errors import DataError
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState


def exposure_rows(state: EngineState) -> list[dict[str, Any]]:
    """A row for each account and venue; an account with a price missing has none."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for account in state.settings.accounts:
        try:
            exposure = account_exposure(state, account.account_id, newest_ms(state))
        except DataError:
            continue
        for here in exposure.instruments.values():
            venue = str(here.instrument.symbol).partition(":")[0]
            row = rows.setdefault(
                (account.account_id, venue),
                {
                    "account": account.account_id, "venue": venue, "open_orders": 0,
                    "currency": str(account.currency), "long": Decimal(0), "short": Decimal(0),
                },
            )  # fmt: skip
            if here.position and here.price is not None:
                row["long" if here.position > 0 else "short"] += here.worth(here.position)
            row["open_orders"] += here.open_orders
    return [
        row | {"long": f"{row['long']:f}", "short": f"{row['short']:f}"} for row in rows.values()
    ]
