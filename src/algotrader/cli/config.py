"""`algotrader config show | check | explain | schema`."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.console import Console

from algotrader.cli.commands import TABLE, new_app
from algotrader.cli.output import Output, print_json, with_output
from algotrader.core.errors import AlgotraderError, ConfigurationError
from algotrader.ops.config import Configuration, field_of, load, short
from algotrader.ops.setting_rows import setting_row, type_name
from algotrader.ops.settings import Settings

app = new_app(
    f"""{TABLE["config"].help}

Reads algotrader.yaml and the environment, and changes neither.

\b
algotrader config show
algotrader config explain backtest.cash
"""
)


@app.command()
@with_output
def show(out: Output) -> None:
    """Print every setting, its value, and where the value came from.

    \b
    algotrader config show
    algotrader config show --json
    """
    configuration = _load(out)
    rows = [setting_row(configuration, key) for key in configuration.named_keys()]

    def table(console: Console) -> None:
        from rich.table import Table

        drawn = Table("setting", "value", "from", box=None, pad_edge=False)
        for row in rows:
            drawn.add_row(row["key"], plain(row["value"]), row["origin"])
        console.print(drawn)

    out.show(rows, table)


@app.command()
@with_output
def check(out: Output) -> None:
    """Say what is wrong with the settings, by line and key.

    Loads the strategies too, with their parameters. Opens no journal and asks no venue.

    \b
    algotrader config check
    algotrader config check --config other.yaml
    """
    from algotrader.ops.own_keys import require_keys_of_traded

    configuration = _load(out)
    _require_strategies(configuration)
    require_keys_of_traded(configuration)
    name = short(configuration.file) if configuration.file else "no algotrader.yaml here: defaults"
    beyond = configuration.settings.risk.beyond_fast_driver()
    live_only = configuration.settings.risk.live_only()

    def lines(console: Console) -> None:
        console.print(f"{name}: no errors")
        if beyond:
            console.print(f"note: the fast driver cannot hold {', '.join(beyond)}")
        if live_only:
            console.print(f"note: no backtest can hold {', '.join(live_only)}")

    found = {"beyond_fast_driver": list(beyond), "live_only": list(live_only)}
    out.show({"file": name, "errors": [], **found}, lines)


def _require_strategies(configuration: Configuration) -> None:
    """ConfigurationError for a strategy that is not there, or does not take its parameters, or is
    to trade on an account that is not there.
    """
    from algotrader.core.spelling import hint_among
    from algotrader.ops.desk import strategy_file
    from algotrader.ops.strategy_files import made
    from algotrader.strategy.loader import load as load_strategy

    accounts = configuration.settings.accounts
    for name, one in configuration.settings.strategies.items():
        where = configuration.origins.get(f"strategies.{name}", "settings")
        if one.account not in accounts:
            raise ConfigurationError(
                "config.unknown_name",
                f"{where}: strategies.{name}: no account is called {one.account!r}",
                hint=hint_among(
                    one.account, accounts,
                    f"accounts are: {', '.join(accounts)}" if accounts
                    else f"accounts: {{{one.account}: {{cash: 10_000}}}}",
                ),
            )  # fmt: skip
        try:
            made(load_strategy(strategy_file(configuration, name)).kind, one.parameters)
        except AlgotraderError as error:
            raise ConfigurationError(
                "config.strategy", f"{where}: strategies.{name}: {error.message}", hint=error.hint
            ) from error


@app.command()
@with_output
def explain(
    out: Output,
    key: Annotated[str, typer.Argument(metavar="KEY", help="For instance backtest.cash.")],
) -> None:
    """Say what a setting means, what it may be, and what it is now.

    \b
    algotrader config explain backtest.cash
    algotrader config explain risk.account.max_drawdown
    """
    kind, description = field_of(key)
    row = setting_row(_load(out), key) | {"description": description, "type": type_name(kind)}

    def lines(console: Console) -> None:
        console.print(f"{key}: {description}")
        console.print(f"  may be  {row['type']}", markup=False)
        console.print(f"  is      {plain(row['value'])} ({row['origin']})", markup=False)

    out.show(row, lines)


@app.command()
@with_output
def schema(out: Output) -> None:
    """Print the JSON schema of algotrader.yaml.

    An editor that knows it completes and checks the file.

    \b
    algotrader config schema
    algotrader config schema > algotrader.schema.json
    """
    value = Settings.model_json_schema(mode="validation")
    out.show(value, lambda _: print_json(value))


def _load(out: Output) -> Configuration:
    return load(out.config, environment=os.environ)


def plain(value: Any) -> str:
    """As it would stand in the file: no digit is lost."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_item, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}={plain(each)}" for name, each in value.items()) or "none"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _item(value: Any) -> str:
    """One of a list: by its name, where it is a section that has one."""
    if not isinstance(value, dict):
        return plain(value)
    name = value.get("name")
    said = {key: each for key, each in value.items() if each is not None}
    return str(name) if name else " ".join(f"{key}={plain(each)}" for key, each in said.items())
