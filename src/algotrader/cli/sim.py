"""`algotrader sim`."""

from __future__ import annotations

import os
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import UsageError

if TYPE_CHECKING:
    from algotrader.simulator.okx.build import SimulatorSettings
    from algotrader.simulator.okx.desk import Credentials
    from algotrader.simulator.okx.exchange import PathRule
    from algotrader.simulator.okx.server import Server

app = new_app(
    """Run a look-alike exchange on this machine.

\b
algotrader sim okx
algotrader sim okx --data lake --symbol OKX:BTC/USDT --speed 60
"""
)
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Of this machine; 0 takes any free one.")
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Remote = Annotated[bool, typer.Option("--allow-remote", help="Listen beyond this machine.")]
Data = Annotated[Path | None, typer.Option(help="A lake or a file of bars; default: generated.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="To list; repeatable.")]
Frame = Annotated[str | None, typer.Option("--timeframe", help="Of the bars to replay.")]
History = Annotated[int, typer.Option(min=1, help="Bars before its first moment.")]
Speed = Annotated[float, typer.Option(min=0, help="Venue seconds a second; 0: only by hand.")]
Seed = Annotated[int, typer.Option(help="Of generated prices, ids and faults.")]
FaultFile = Annotated[
    Path | None, typer.Option("--faults", help="YAML file of what shall go wrong.")
]
Balances = Annotated[list[str] | None, typer.Option("--balance", help="COIN=AMOUNT; repeatable.")]
Participation = Annotated[
    float, typer.Option(min=0, max=1, help="Share of a bar's volume orders may take; 0: all.")
]
PathOrder = Annotated[str, typer.Option(help="Of a bar's extremes: worst or near-far.")]
NoLimits = Annotated[bool, typer.Option("--no-limits", help="Without rate limits.")]
For = Annotated[float | None, typer.Option("--for", min=0, help="End after so many seconds.")]
Key = Annotated[str, typer.Option(help="API key of the main account.")]
Secret = Annotated[str, typer.Option(help="Its secret.")]
Passphrase = Annotated[str, typer.Option(help="Its passphrase.")]
SubAccounts = Annotated[
    list[str] | None,
    typer.Option(
        "--sub-account", metavar="NAME",
        help="Another account, with keys NAME-key, NAME-secret, NAME-pass; repeatable.",
    ),
]  # fmt: skip


@app.callback()
def _sim() -> None:
    """Run a look-alike exchange on this machine."""


@app.command("okx")
@with_output
def okx(
    out: Output,
    port: Port = 9443,
    host: Host = "127.0.0.1",
    allow_remote: Remote = False,
    data: Data = None,
    symbols: Symbols = None,
    timeframe: Frame = None,
    history: History = 1500,
    speed: Speed = 1.0,
    seed: Seed = 7,
    faults: FaultFile = None,
    balances: Balances = None,
    participation: Participation = 0.1,
    path: PathOrder = "worst",
    no_limits: NoLimits = False,
    for_s: For = None,
    key: Key = "sim-key",
    secret: Secret = "sim-secret",  # noqa: S107  nothing is protected by it but a simulation
    passphrase: Passphrase = "sim-pass",  # noqa: S107
    sub_accounts: SubAccounts = None,
) -> None:
    """An exchange on this machine that speaks OKX v5, with faults on demand.

    REST and WebSocket on one port, spot and perpetuals, a main account and sub-accounts. Nothing
    leaves this machine and no real order is possible. Prices are generated, or replayed from
    --data. Ctrl-C ends it.

    \b
    algotrader sim okx --balance USDT=10000 --balance BTC=0.5
    algotrader sim okx --data lake --symbol OKX:BTC/USDT --speed 60
    """
    import asyncio

    from algotrader.simulator.okx.build import SimulatorSettings
    from algotrader.simulator.okx.desk import Credentials
    from algotrader.simulator.okx.faults import read_faults

    settings = SimulatorSettings(
        balances=_amounts(balances or ["USDT=10000"]), speed=speed, seed=seed, rebase=speed == 1.0,
        history_bars=history,
        credentials=Credentials(key=key, secret=secret, passphrase=passphrase),
        sub_accounts=tuple(_sub_account(name) for name in sub_accounts or ()),
        participation=participation, path=_path_rule(path), limits=not no_limits,
        faults=tuple(read_faults(faults)) if faults else (),
    )  # fmt: skip
    server = _server(settings, data, symbols or [], timeframe)
    try:
        asyncio.run(_serve(out, server, settings, (host, port), for_s, remote=allow_remote))
    except KeyboardInterrupt:  # the way to end it: nothing was cut short, nothing is to be said
        raise SystemExit(130) from None
    except OSError as error:
        raise UsageError(
            "simulator.port", f"port {port} of {host} cannot be used: {_reason(error)}",
            hint="choose another with --port, or --port 0 for any free one",
        ) from error  # fmt: skip


def _sub_account(name: str) -> Credentials:
    """Keys made of a name, as `sim-key` is. UsageError for a name that no key can have."""
    from algotrader.simulator.okx.desk import Credentials

    if not name.isascii() or not name.isalnum() or name == "sim":
        raise UsageError(
            "simulator.sub_account", f"--sub-account {name!r} is no name for keys",
            hint="use letters and digits, such as --sub-account carry",
        )  # fmt: skip
    return Credentials(key=f"{name}-key", secret=f"{name}-secret", passphrase=f"{name}-pass")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _path_rule(name: str) -> PathRule:
    from algotrader.simulator.okx.exchange import PathRule

    try:
        return PathRule(name)
    except ValueError as error:
        raise UsageError(
            "simulator.path", f"--path {name} is no order of extremes",
            hint="write worst or near-far",
        ) from error  # fmt: skip


def _server(
    settings: SimulatorSettings, data: Path | None, symbols: list[str], timeframe: str | None
) -> Server:
    from secrets import token_urlsafe

    from algotrader.core.instants import utc_ms
    from algotrader.core.ports import SystemClock
    from algotrader.simulator.okx.build import build, generated
    from algotrader.simulator.okx.sources import replayed

    try:
        from algotrader.simulator.okx.server import Server
    except ModuleNotFoundError as error:
        raise UsageError(
            "simulator.extra_missing", f"the simulated exchange needs {error.name}",
            hint="pip install 'algotrader[okx]'",
        ) from error  # fmt: skip
    clock = SystemClock()
    listed = replayed(data, symbols, timeframe) if data else generated(seed=settings.seed)
    return Server(build(listed, settings, utc_ms(clock.now())), clock, token_urlsafe(18))


async def _serve(
    out: Output, server: Server, settings: SimulatorSettings, at: tuple[str, int],
    for_s: float | None, *, remote: bool,
) -> None:  # fmt: skip
    import asyncio

    from algotrader.simulator.okx.server import serving

    async with serving(server, *at, remote=remote) as port:
        made = settings.credentials
        shown = {
            "rest": f"http://{at[0]}:{port}", "ws": f"ws://{at[0]}:{port}/ws/v5",
            "api_key": made.key, "secret": made.secret, "passphrase": made.passphrase,
            **_of_sub_accounts(settings),
            "control": f"http://{at[0]}:{port}/_control", "token": server.token,
            "instruments": list(server.simulator.api.desk.venue.markets), "seed": settings.seed,
        }  # fmt: skip

        def lines(console: Console) -> None:
            for name, value in shown.items():
                text = " ".join(value) if isinstance(value, list) else str(value)
                console.print(f"{name:<12} {text}", soft_wrap=True)
            console.print("simulated: no order leaves this machine; Ctrl-C ends it")

        out.show(shown, lines)
        sys.stdout.flush()
        if server.running is not None:
            await asyncio.wait([server.running], timeout=for_s)
            if server.running.done():
                server.running.result()  # it ends only by an error


def _of_sub_accounts(settings: SimulatorSettings) -> dict[str, list[str]]:
    if not settings.sub_accounts:
        return {}
    return {"sub_accounts": [one.key for one in settings.sub_accounts]}


def _amounts(texts: list[str]) -> dict[str, Decimal]:
    """`USDT=10000` as coins and amounts. UsageError for anything else."""
    found = {}
    for text in texts:
        coin, _, amount = text.partition("=")
        try:
            found[coin] = Decimal(amount)
        except InvalidOperation:
            found[coin] = Decimal(-1)
        is_amount = found[coin].is_finite() and found[coin] >= 0
        if not (coin.isalnum() and coin.isupper() and is_amount):
            raise UsageError(
                "simulator.balance", f"--balance {text} is not COIN=AMOUNT",
                hint="write --balance USDT=10000",
            )  # fmt: skip
    return found
