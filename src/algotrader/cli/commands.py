"""The table of commands. A new command is one module with `app = new_app()`, and one row here.

Help is kept here as well as in the command's docstring, so that `algotrader --help` imports no
command; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import typer

from algotrader.cli.plain_help import PlainTyper

PANELS = START, DATA, RESEARCH, LIVE, WORKSPACE = (
    "Start", "Data", "Research", "Live", "Workspace"
)  # fmt: skip

GROUPS = (
    "data",
    "strategy",
    "sim",
    "notify",
    "journal",
    "jobs",
    "config",
    "secrets",
    "limits",
    "order",
)  # commands that only hold others


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives: `module` is under `algotrader.cli`."""

    module: str
    panel: str
    help: str


TABLE: dict[str, Entry] = {
    "init": Entry("init", START, "Make a workspace: algotrader.yaml, strategies/, .env.example."),
    "doctor": Entry("doctor", START, "Say what works, what is missing, and how to mend it."),
    "demo": Entry("demo", START, "See the whole path on the bundled data, in under a minute."),
    "data": Entry("data", DATA, "Bring data in, look at it, check it, repair it."),
    "strategy": Entry("strategy", RESEARCH, "Begin a strategy from a template; list known ones."),
    "check": Entry("check", RESEARCH, "Find look-ahead, short warm-ups and hidden state."),
    "backtest": Entry(
        "backtest", RESEARCH, "Run a strategy over history: figures, trades, and an HTML report."
    ),
    "sweep": Entry(
        "sweep", RESEARCH, "Try many parameter sets, and say what luck alone would have found."
    ),
    "walkforward": Entry(
        "walkforward",
        RESEARCH,
        "Choose parameters on the past, trade them on what follows, and repeat.",
    ),
    "report": Entry("report", RESEARCH, "Show where the report of a run is, or copy it."),
    "rerun": Entry("rerun", RESEARCH, "Do a run again and compare it bit for bit."),
    "compare": Entry("compare", RESEARCH, "Lay runs side by side, in the terminal and a report."),
    "trades": Entry("trades", RESEARCH, "Print or export the trades of a run."),
    "trade": Entry(
        "trade",
        LIVE,
        "Trade the strategies of algotrader.yaml: on paper, on demo trading, or in earnest.",
    ),
    "jobs": Entry("jobs", LIVE, "Look at what runs at set times, and run a job by hand."),
    "run": Entry(
        "run",
        LIVE,
        "Run one process of the system: collector, scheduler, trader, notifier or api.",
    ),
    "status": Entry(
        "status",
        LIVE,
        "Show each account: mode, equity, cash, positions, open orders, and how the trader is.",
    ),
    "orders": Entry("orders", LIVE, "List open orders, or also those that ended."),
    "order": Entry("order", LIVE, "Place, change or withdraw one order by hand."),
    "positions": Entry(
        "positions", LIVE, "List the positions by strategy, marked at the last close."
    ),
    "fills": Entry("fills", LIVE, "List the fills, as the venue told them."),
    "halt": Entry(
        "halt", LIVE, "Stop trading: cancel what is open and send nothing more, until resumed."
    ),
    "flatten": Entry(
        "flatten", LIVE, "Close every position at the market, then halt, until resumed."
    ),
    "resume": Entry("resume", LIVE, "Let halted accounts trade again."),
    "parity": Entry(
        "parity",
        LIVE,
        "Prove that what was tested is what was traded, and name the cause of each difference.",
    ),
    "notify": Entry("notify", LIVE, "Try the ways by which you are told."),
    "limits": Entry(
        "limits", LIVE, "Show what limits hold and how much of each is used; change one."
    ),
    "reload": Entry(
        "reload",
        LIVE,
        "Let a running trader read algotrader.yaml again, and say what holds from here on.",
    ),
    "sim": Entry("sim", LIVE, "Run a look-alike exchange on this machine."),
    "journal": Entry("journal", LIVE, "Read and check the record that trading depends on."),
    "config": Entry("config", WORKSPACE, "Show, check and explain the settings in force."),
    "secrets": Entry("secrets", WORKSPACE, "Keep API keys and tokens in an encrypted file."),
    "version": Entry("version", WORKSPACE, "Print the versions that decide a result."),
}


def new_app(help: str | None = None) -> typer.Typer:  # noqa: A002  Typer's own word
    """What a command's module calls `app`; `help` only where it has sub-commands of its own.

    Plain help rather than drawn boxes: it reads without colour, and comes in a third of the time.
    """
    return PlainTyper(
        help=help,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
