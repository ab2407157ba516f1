"""`algotrader secrets`."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import UsageError

if TYPE_CHECKING:
    from algotrader.ops.config import Configuration

app = new_app(
    """Keep API keys and tokens in an encrypted file.

What is exported in the environment wins, then `.env`, then this file. Values are never printed.

\b
algotrader secrets set ALGOTRADER_OKX_KEY
algotrader secrets list
"""
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as ALGOTRADER_OKX_KEY.")]


@app.command("set")
@with_output
def set_(out: Output, name: Name) -> None:
    """Keep a secret, in place of the one there was.

    Its value is asked for without showing it, or read from standard input. The first secret makes
    the file, with a passphrase of your choice.

    \b
    algotrader secrets set ALGOTRADER_OKX_KEY
    algotrader secrets set ALGOTRADER_OKX_SECRET < secret.txt
    """
    from algotrader.live.settings import SECRET_NAME
    from algotrader.ops.secrets import passphrase_of, vault_of
    from algotrader.ops.vault import open_vault, save_vault

    if not re.fullmatch(SECRET_NAME, name):
        raise UsageError(
            "secrets.name",
            "a secret's name is of capital letters, digits and underscores",
            hint="for instance ALGOTRADER_OKX_KEY",
        )
    configuration = _load(out)
    vault = vault_of(configuration)
    passphrase = passphrase_of(configuration, os.environ, is_new=not vault.exists())
    held = open_vault(vault, passphrase)
    was_there = name in held
    save_vault(vault, passphrase, held | {name: _value(name)})
    done = "replaced" if was_there else "kept"
    shown = {"name": name, "file": str(vault), "replaced": was_there}
    out.show(shown, lambda console: console.print(f"{done} {name} in {vault.name}"))


@app.command("list")
@with_output
def list_(out: Output) -> None:
    """List secrets by name, and where each is found.

    Names the settings ask for are listed too, whether they are found or not.

    \b
    algotrader secrets list
    algotrader secrets list --json
    """
    from algotrader.ops.okx_access import key_names
    from algotrader.ops.secrets import secrets_of

    configuration = _load(out)
    secrets = secrets_of(configuration, os.environ)
    settings = configuration.settings
    wanted = {name for account in settings.accounts.values() for name in key_names(account.keys)}
    wanted |= {channel.secret_name for channel in settings.notification.channels.values()}
    if settings.api.oidc.issuer is not None:
        wanted.add(settings.api.oidc.client_secret)
    rows = [
        {"name": name, "found": secrets.place(name), "wanted": name in wanted}
        for name in sorted({*wanted, *secrets.names()})
    ]

    def lines(console: Console) -> None:
        for row in rows:
            console.print(f"{row['name']}  {row['found'] or 'not found'}", markup=False)
        if not rows:
            console.print("no secrets: algotrader secrets set NAME keeps one")

    out.show(rows, lines)


@app.command("rm")
@with_output
def rm(out: Output, name: Name) -> None:
    """Remove a secret from the encrypted file.

    The environment and `.env` are not touched.

    \b
    algotrader secrets rm ALGOTRADER_OKX_KEY
    algotrader secrets rm ALGOTRADER_OKX_KEY --json
    """
    from algotrader.core.spelling import hint_among
    from algotrader.ops.secrets import passphrase_of, vault_of
    from algotrader.ops.vault import open_vault, save_vault

    configuration = _load(out)
    vault = vault_of(configuration)
    held = {}
    if vault.exists():
        passphrase = passphrase_of(configuration, os.environ)
        held = open_vault(vault, passphrase)
    if name not in held:
        known = f"it holds {', '.join(sorted(held)) or 'none'}"
        raise UsageError(
            "secrets.unknown", f"{vault.name} has no {name}", hint=hint_among(name, held, known)
        )
    del held[name]
    save_vault(vault, passphrase, held)
    shown = {"name": name, "file": str(vault)}
    out.show(shown, lambda console: console.print(f"removed {name} from {vault.name}"))


def _load(out: Output) -> Configuration:
    from algotrader.ops.config import load

    return load(out.config, environment=os.environ)


def _value(name: str) -> str:
    """Typed unseen, or the first line of standard input."""
    if sys.stdin.isatty():
        import getpass

        value = getpass.getpass(f"{name}: ").strip()
    else:
        value = sys.stdin.readline().strip()
    if not value:
        raise UsageError("secrets.empty", f"{name} was given no value; nothing was changed")
    return value
