"""The entry point: run one command, turn its end into an exit code and its error into words.

Exit codes: 0 done (also with warnings, also with no trades), 1 a finding, 2 what can be known
before the work starts, 3 failure while running, 4 too little could be looked at to say anything
(parity), 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from subprocess import CalledProcessError
from typing import Annotated, Any

import typer

from algotrader.cli.commands import GROUPS
from algotrader.cli.encoding import show_what_can_be_shown
from algotrader.cli.lazy import LazyGroup
from algotrader.cli.output import print_json
from algotrader.core.errors import AlgotraderError
from algotrader.ops.exit_codes import DONE, FAILED, INTERRUPTED, REFUSED

# What the parser says of a text that is no number, which names its own parts and not the mistake.
_PARSERS_WORDS = re.compile(r"Input should be (a valid \w+), unable to parse .*")
_MORE_SPACE = "free some space and run the same command again"

app = typer.Typer(
    name="algotrader",
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="From raw market data to live orders in one code base.",
    epilog="Each command has its own help: algotrader COMMAND --help",
)


def _version(asked: bool) -> None:
    if asked:
        from algotrader import __version__

        typer.echo(f"algotrader {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit."),
]


@app.callback()
def _root(version: Version = False) -> None:
    """From raw market data to live orders in one code base."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing but a bug in here raises."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if given in [[name] for name in GROUPS]:  # `algotrader data` alone asks what there is
        given.append("--help")
    wants_json, wants_trace = _asked(given)
    show_what_can_be_shown(sys.stdout, sys.stderr)
    try:
        code = typer.main.get_command(app).main(
            args=given, prog_name="algotrader", standalone_mode=False
        )
        if code == INTERRUPTED:  # so Typer reports Ctrl-C
            raise typer.Abort
        return code if isinstance(code, int) else DONE
    except SystemExit as left:  # Typer ends so when nobody reads on, and after completion
        if isinstance(left.__context__, BrokenPipeError):
            return _reader_left()
        if left.code == INTERRUPTED:  # a server that was told to end
            return INTERRUPTED
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  here failures become words
        said, exit_code = describe(error)
        with suppress(OSError):  # nobody listens
            _print_error(error, said, wants_json=wants_json, wants_trace=wants_trace)
        return exit_code


def describe(error: BaseException) -> tuple[dict[str, str | None], int]:
    """Code, message and hint of an error, and the exit code it stands for."""
    if isinstance(error, AlgotraderError):
        return error.as_dict(), error.exit_code
    if isinstance(error, typer.Abort) and isinstance(error.__cause__, EOFError):
        error = error.__cause__  # Typer takes every EOFError for a prompt without an answer
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        message = "interrupted; what was finished is kept, and the same command goes on from there"
        return _said("interrupted", message), INTERRUPTED
    if hasattr(error, "format_message"):  # Typer's family of wrong uses
        return _wrong_use(error), REFUSED
    if _of_cmake(error):
        message = "the kernel's sources changed, and it could not be built anew"
        return _said("kernel.build", message, "run: make setup"), REFUSED
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        said = f"{where}{error.strerror[0].lower()}{error.strerror[1:]}"
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        return _said("os_error", said, _MORE_SPACE if full else None), FAILED
    message = f"{type(error).__name__}: {error}"
    return _said("bug", f"this is a bug: {message}", "run again with -vv and report it"), FAILED


def _of_cmake(error: BaseException) -> bool:
    """A checkout builds its kernel anew on import: whether that is what failed."""
    if isinstance(error, CalledProcessError):
        return "cmake" in error.cmd
    return isinstance(error, FileNotFoundError) and error.filename == "cmake"


def _wrong_use(error: Any) -> dict[str, str | None]:
    path = error.ctx.command_path if getattr(error, "ctx", None) else "algotrader"
    message = _PARSERS_WORDS.sub(r"it must be \1", error.format_message().rstrip("."))
    return _said("usage", message[:1].lower() + message[1:], f"{path} --help")


def _said(code: str, message: str, hint: str | None = None) -> dict[str, str | None]:
    return {"code": code, "message": message, "hint": hint}


def _asked(arguments: list[str]) -> tuple[bool, bool]:
    """Whether `--json` and `-vv` were asked for, known even when the line cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    verbosity = sum(
        len(word) - 1 for word in options if word.startswith("-v") and not word.strip("-v")
    )
    return "--json" in options, verbosity >= 2


def _print_error(
    error: BaseException, said: dict[str, str | None], *, wants_json: bool, wants_trace: bool
) -> None:
    """Neither words nor trace hold a secret, whatever a library put into its error (F69)."""
    from algotrader.ops.observing.redaction import Redactor

    redactor = Redactor.of_environment(os.environ)
    if (secrets := sys.modules.get("algotrader.ops.secrets")) is not None:
        redactor.learn(secrets.found_so_far())  # of `.env` and of the encrypted file
    if wants_trace:
        for line in "".join(traceback.format_exception(error)).splitlines():
            typer.echo(redactor.text(line), err=True)
    shown = {key: text and redactor.text(text) for key, text in said.items()}
    if wants_json:
        with suppress(OSError):  # the disk that standard output goes to is full: said in words
            print_json({"error": shown})
            return
    typer.echo(f"error: {shown['message']}", err=True)
    if shown["hint"]:
        typer.echo(f"hint: {shown['hint']}", err=True)


def _reader_left() -> int:
    """Whoever read our output has seen enough (`| head`): end quietly, as if all was written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
