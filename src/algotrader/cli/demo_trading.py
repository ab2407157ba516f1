"""The demo's second half: strategies trade on a look-alike exchange and the trader is killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from algotrader.cli.output import Output
from algotrader.cli.progress import shown_progress
from algotrader.core.errors import RunError
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol

if TYPE_CHECKING:
    from algotrader.ops.config import Configuration
    from algotrader.ops.desk import Desk
    from algotrader.ops.rehearsal import LookAlike, Rehearsed

SLICES: Final = 336  # two weeks of hours
_HISTORY_DAYS: Final = 10  # before the first bar that is traded
_CASH: Final = "USDT=10000"
_SPOT, _PERPETUAL = "OKX:BTC/USDT", "OKX:BTC/USDT:USDT"
_DIFFERENCES: Final = 5  # listed of those between trading and backtest
_SETTINGS: Final = """\
# Made by `algotrader demo`. The exchange of `url` ended with the demo.
workspace: {{runs: ../runs}}
api: {{beside: false}}
trading: {{mode: sandbox, url: "{url}", rate_limits: false, check_s: 0.2}}

accounts:
  main: {{currency: USDT, margin: cross}}

strategies:
  trend:
    {{use: TrendFollow, symbols: ["{spot}"], timeframe: 1h, share: 0.5,
     parameters: {{fast: 12, slow: 48}}}}
  swing:
    {{use: TrendFollow, symbols: ["{perpetual}"], timeframe: 1h, share: 0.5,
     parameters: {{fast: 6, slow: 72}}}}
"""


def rehearse(
    out: Output, console: Console, lake: Path, pair: Sequence[Symbol], folder: Path
) -> Any:
    """Trade `pair`, spot and perpetual, at the prices of `lake`; plain values for --json.

    None, and a line that says so, without the packages it needs. RunError if the exchange and the
    journal do not agree.
    """
    try:
        import aiohttp  # noqa: F401  the look-alike exchange needs it
        import ccxt  # noqa: F401  and its client this
    except ModuleNotFoundError as error:
        console.print(f"trading was left out: it needs {error.name}: pip install 'algotrader[okx]'")
        return None
    console.print(
        Rule("Trading on a look-alike exchange, BTC/USDT spot and perpetual", align="left")
    )
    shutil.rmtree(folder, ignore_errors=True)  # its exchange is gone: nothing there can go on
    folder.mkdir(parents=True)
    from algotrader.cli.parity import write_parity
    from algotrader.cli.parity_tables import plain_parity, print_parity
    from algotrader.ops.parity import compare_workspace
    from algotrader.ops.rehearsal import Rehearsal, exchange

    with exchange(lake, pair, _CASH, folder / "exchange.log") as venue:
        desk = _desk(folder, venue)
        with shown_progress(out, "trading") as progress:
            done = Rehearsal(desk, venue, folder / "trader.log").run(SLICES, progress)
        _download(folder, venue)
    _print(console, done)
    if not done.agrees:
        differing = "; ".join(str(one) for one in done.agreements if not one.is_equal)
        raise RunError(
            "demo.disagrees", f"the journal and the exchange do not agree on {differing}",
            hint=f"{folder / 'trader.log'} and algotrader journal show tell what happened",
        )  # fmt: skip
    found, page = compare_workspace(_configuration(folder)), folder / "parity.html"
    write_parity(page, found)
    print_parity(console, found, _DIFFERENCES, page)
    return _plain(done) | {"parity": plain_parity(found, page), "report": str(page)}


def _desk(folder: Path, venue: LookAlike) -> Desk:
    """A workspace with keys in .env and bars until now, as a person would make it."""
    from algotrader.ops.desk import build_desk

    settings = _SETTINGS.format(url=venue.url, spot=_SPOT, perpetual=_PERPETUAL)
    (folder / "algotrader.yaml").write_text(settings)
    keys = {"KEY": venue.key, "SECRET": venue.secret, "PASSPHRASE": venue.passphrase}
    dotenv = folder / ".env"
    dotenv.touch(mode=0o600)
    dotenv.write_text("".join(f"ALGOTRADER_OKX_{part}={text}\n" for part, text in keys.items()))
    _download(folder, venue)
    return build_desk(_configuration(folder))


def _configuration(folder: Path) -> Configuration:
    from algotrader.ops.config import load
    from algotrader.ops.rehearsal import own_environment

    return load(folder / "algotrader.yaml", environment=own_environment(), overrides={})


def _download(folder: Path, venue: LookAlike) -> None:
    """Bars and funding until the venue's now, as `data download` does it."""
    from algotrader.core.ports import SystemClock
    from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
    from algotrader.data.adapters.ccxt_source import CcxtSource
    from algotrader.data.downloading import fill, latest_start
    from algotrader.data.lake import Lake
    from algotrader.data.layout import SeriesKey

    now_ms, source = venue.status()["venue_ms"], CcxtSource("OKX", venue.url, pause=time.sleep)
    lake, frame = Lake(folder / "lake"), Timeframe(HOUR_MS)
    bars = [SeriesKey.bars(Symbol.parse(name), frame) for name in (_SPOT, _PERPETUAL)]
    for key in (*bars, SeriesKey.funding(Symbol.parse(_PERPETUAL))):
        first = latest_start(lake, key, now_ms - _HISTORY_DAYS * DAY_MS)
        fill(lake, source, key, first, now_ms, SystemClock())


def _print(console: Console, done: Rehearsed) -> None:
    killed = f"{utc_at(done.killed_ts):%Y-%m-%d %H:%M}"
    console.print(
        f"{done.slices:,} bars, {done.orders} orders and {done.fills} fills in "
        f"{done.seconds:.0f} s over real HTTP and WebSocket"
    )
    console.print(
        f"killed by SIGKILL at {killed} with {_orders(done.killed_in_flight)} on its way, "
        "started again, and went on"
    )
    if done.absent:
        console.print(
            f"{_orders(done.absent)} had not left by then: proved absent, never sent late"
        )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("", "journal", "exchange", ""):
        table.add_column(
            name, header_style="dim", no_wrap=True, justify="right" if name else "left"
        )
    for one in done.agreements:
        said = Text("equal") if one.is_equal else Text("differs", style="red")
        table.add_row(one.subject, _exact(one.journal), _exact(one.exchange), said)
    console.print(table)


def _orders(count: int) -> str:
    return "an order" if count == 1 else f"{count} orders"


def _exact(value: Decimal) -> str:
    """To nine places, to which cash has to agree; quantities have fewer."""
    return f"{round(value, 9).normalize():,f}"


def _plain(done: Rehearsed) -> dict[str, Any]:
    return {
        "slices": done.slices,
        "killed_ts": done.killed_ts,
        "orders": done.orders,
        "absent": done.absent,
        "fills": done.fills,
        "agreements": {
            one.subject: {"journal": str(one.journal), "exchange": str(one.exchange)}
            for one in done.agreements
        },
    }
