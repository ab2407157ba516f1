"""What the API's calls work on: an account of the exchange, its name and rights, its dead man's switch."""

from __future__ import annotations

from dataclasses import dataclass, field

from algotrader.simulator.okx.exchange import Exchange
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.venue import Venue

MAIN_UID = "570064901234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The one key that a simulated account knows."""

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    permissions: str = "read_only,trade"  # as account/config names them


@dataclass(slots=True, kw_only=True)
class Desk:
    """`at_ms` is the time of the request being served, by the server's clock."""

    exchange: Exchange
    credentials: Credentials
    uid: str = MAIN_UID
    main_uid: str = MAIN_UID  # another than `uid` where it is a sub-account
    level: str = "2"  # of the account: 1 spot, 2 futures, 3 multi-currency, 4 portfolio margin
    borrows: bool = False  # coins are borrowed by themselves where they are missing
    at_ms: int = 0
    maintenance: tuple[int, int] = (0, 0)  # begin and end, by the server's clock
    skew_ms: int = 0  # a fault: the venue's clock is off by this
    cancel_all_at_ms: int | None = None  # the dead man's switch, by the server's clock

    @property
    def venue(self) -> Venue:
        return self.exchange.venue

    @property
    def now(self) -> float:
        return self.exchange.venue.now

    def market(self, inst_id: str) -> Market:
        return self.exchange.venue.market(inst_id)

    def tick(self, at_ms: int) -> None:
        """Cancel everything if the dead man's switch was not renewed in time."""
        if self.cancel_all_at_ms is not None and at_ms >= self.cancel_all_at_ms:
            self.cancel_all_at_ms = None
            self.exchange.cancel_all()
