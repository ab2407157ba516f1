"""The frame every command stands in: exit codes, errors, JSON, lazy loading."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import typer

from algotrader.cli.commands import TABLE, new_app
from algotrader.cli.lazy import load
from algotrader.cli.main import describe, main
from algotrader.cli.output import Output, with_output
from algotrader.core.errors import AlgotraderError, DataError, RunError

HEAVY = ("numpy", "polars", "duckdb", "pyarrow", "pandas", "pydantic", "ccxt", "rich")


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; from algotrader.cli.main import main; main(['--help']);"
        f"sys.exit(' '.join(name for name in {HEAVY!r} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Usage: algotrader" in done.stdout


@pytest.mark.parametrize("name", TABLE)
def test_the_table_says_what_the_command_says(name: str) -> None:
    command = load(name)

    assert (command.help or "").splitlines()[0] == TABLE[name].help


@pytest.mark.parametrize("name", TABLE)
def test_help_names_two_lines_to_copy(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.count(f"\n  algotrader {name}") >= 2


def test_without_arguments_it_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: algotrader" in capsys.readouterr().out


@pytest.mark.parametrize("line", [["nonsense"], ["version", "--bad"], ["version", "extra"]])
def test_wrong_use_ends_with_2_and_a_hint(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "hint: algotrader" in said.err


def test_json_errors_are_json_on_stdout_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["version", "--json", "--bad"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "error": {
            "code": "usage",
            "message": "no such option: --bad",
            "hint": "algotrader version --help",
        }
    }
    assert said.err == ""


def test_json_results_are_one_json_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["algotrader"]


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (DataError("data.missing", "no file"), "data.missing", 2),
        (RunError("run.stopped", "it stopped"), "run.stopped", 3),
        (typer.Abort(), "interrupted", 130),
        (OSError(28, "No space left on device", "runs/x"), "os_error", 3),
        (ZeroDivisionError("division by zero"), "bug", 3),
    ],
)
def test_every_error_has_a_code_and_an_exit_code(
    error: Exception, code: str, exit_code: int
) -> None:
    said, exits = describe(error)

    assert (said["code"], exits) == (code, exit_code)


def a_command(raises: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    app = new_app()

    @app.command()
    @with_output
    def broken(out: Output) -> None:
        raise raises

    command = typer.main.get_command(app)
    monkeypatch.setattr("algotrader.cli.lazy.load", lambda name: command)


def test_a_trace_is_printed_only_with_vv(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_command(DataError("data.missing", "no file x", hint="import it"), monkeypatch)

    assert main(["version"]) == 2
    assert capsys.readouterr().err == "error: no file x\nhint: import it\n"
    assert main(["version", "-vv"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_with_130_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_command(KeyboardInterrupt(), monkeypatch)

    assert main(["version"]) == 130
    assert capsys.readouterr().err == (
        "error: interrupted; what was finished is kept, and the same command goes on from there\n"
    )


def test_a_finding_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    a_command(typer.Exit(1), monkeypatch)

    assert main(["version"]) == 1


def test_an_error_without_a_class_of_its_own_fails_the_run() -> None:
    assert describe(AlgotraderError("x", "y"))[1] == 3


def test_a_reader_that_leaves_early_is_no_finding() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from algotrader.cli.main import main; sys.exit(main(['--help']))"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, "")
