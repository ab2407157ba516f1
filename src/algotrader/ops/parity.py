"""Parity of a workspace: its journal against its desk as it is configured today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from algotrader import __version__
from algotrader.core.ids import RunId
from algotrader.engine.inforce import InForce
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import last_segment
from algotrader.ops.config import Configuration
from algotrader.ops.desk import Desk, build_desk
from algotrader.ops.settings_text import deciding, differences
from algotrader.ops.standing import folder_of, journal_differs
from algotrader.parity.comparing import Parity, compare
from algotrader.parity.today import Change, TradedAccount, TradedStrategy
from algotrader.parity.today import Desk as ParityDesk


def compare_workspace(
    configuration: Configuration,
    journal: Path | None = None,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Both comparisons of the workspace's journal, or of the one in another folder. Writes nothing.

    JournalMissingError, JournalDamagedError; DataError if there is nothing to compare.
    """
    folder = folder_of(configuration) if journal is None else JournalFolder(journal)
    with folder.reading() as rows:
        run_id = RunId(last_segment(rows).run_id)
        desk = parity_desk(desk_today(configuration), run_id)
        try:
            return compare(desk, rows, on_stage=on_stage)
        except KeyError as error:
            raise journal_differs(folder, error) from error


def desk_today(configuration: Configuration) -> Desk:
    """The desk with all bars there are: `trading.end` ends a replay, and nothing else."""
    settings, own = configuration.settings, configuration.settings.trading
    is_replay = own.mode == "paper" and own.data == "replay"
    if is_replay or own.end is None:
        return build_desk(configuration, simulates=True)
    trading = own.model_copy(update={"end": None})
    endless = replace(configuration, settings=settings.model_copy(update={"trading": trading}))
    return replace(build_desk(endless, simulates=True), configuration=configuration)


def parity_desk(desk: Desk, run_id: RunId) -> ParityDesk:
    """What traded, as the comparison takes it."""
    return ParityDesk(
        settings=desk.engine_settings(run_id),
        simulated=desk.engine_settings(run_id, mode="paper"),
        changes=lambda before: changes_since(desk, before),
        accounts=tuple(
            TradedAccount(
                name=account.name,
                market=account.market,
                costs=account.costs,
                strategies=tuple(
                    TradedStrategy(
                        name=one.name, account=one.account, strategy=one.strategy,
                        bars=one.bars, instruments=one.instruments,
                    )
                    for one in account.strategies
                ),
                longer=account.longer,
            )
            for account in desk.accounts
        ),
    )  # fmt: skip


def changes_since(desk: Desk, before: InForce) -> list[Change]:
    """What of code and settings is otherwise today than it was."""
    found = [
        Change(
            key=change.key, text=f"{change.key} {_was(change.before)}, {_was(change.after)} today"
        )
        for change in differences(
            before.settings, deciding(desk.configuration.settings, desk.risk())
        )
    ]
    found += [
        Change(key=f"strategies.{one.name}", text="its code was another")
        for one in desk.strategies
        if before.sources.get(one.name, one.source_hash) != one.source_hash
    ]
    if before.software != __version__:
        text = f"version {before.software}, {__version__} today"
        found.append(Change(key="algotrader", text=text))
    return found


def _was(text: str | None) -> str:
    return "not set" if text is None else text
