"""Parity of a workspace: its journal against its desk as it is configured today."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from algotrader.core.ids import RunId
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import last_segment
from algotrader.ops.desk import Desk
from algotrader.ops.trading import journal_folder
from algotrader.parity import comparing
from algotrader.parity.comparing import Parity
from algotrader.parity.today import Desk as ParityDesk
from algotrader.parity.today import TradedAccount, TradedStrategy


def compare_desk(
    desk: Desk,
    journal: Path | None = None,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Both comparisons of the desk's journal, or of the one in another folder. Writes nothing."""
    folder = journal_folder(desk) if journal is None else JournalFolder(journal)
    with folder.reading() as rows:
        run_id = RunId(last_segment(rows).run_id)
        return comparing.compare(parity_desk(desk, run_id), rows, on_stage=on_stage)


def parity_desk(desk: Desk, run_id: RunId) -> ParityDesk:
    """What traded, as the comparison takes it."""
    return ParityDesk(
        settings=desk.engine_settings(run_id),
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
            )
            for account in desk.accounts
        ),
    )  # fmt: skip
