"""Where a desk stands, for who only looks: from its journal, without its market data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import Event, decode_event
from algotrader.core.ids import RunId
from algotrader.engine.state import EngineState
from algotrader.live.journal.chain import Row
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import last_segment
from algotrader.live.journal.records import PREFIX
from algotrader.live.snapshots import Stood, folded
from algotrader.ops.config import Configuration

_PAGE = 10_000
_LONG = 20_000  # rows that take about a second


def folder_of(configuration: Configuration) -> JournalFolder:
    return JournalFolder(configuration.path(configuration.settings.workspace.journal))


def read_state(
    configuration: Configuration, note: Callable[[str], None] = lambda _: None
) -> EngineState:
    """Where the journal ends, also while a trader writes it, with the settings it trades under.

    From the newest snapshot; a journal without one that this build can read is folded whole,
    which needs the market data of the desk, and `note` is told if that takes long.
    """
    return read_stood(configuration, note).state


def read_stood(configuration: Configuration, note: Callable[[str], None] = lambda _: None) -> Stood:
    """The same, with the number of the journal's row after which it stands."""
    folder = folder_of(configuration)
    with folder.reading() as rows:
        try:
            stood = folded(rows)
        except KeyError:  # its rows after the snapshot are of other settings
            stood = None
        if stood is not None:
            return stood
        run_id = RunId(last_segment(rows).run_id)
        newest = rows.newest()
    if newest is not None and newest.seq > _LONG:
        note(
            f"reading all {newest.seq:,} rows of the journal, for none of its snapshots is of this "
            "version and these settings; the next start of the trader writes one"
        )
    return _folded_whole(configuration, folder, run_id)


def events_of(folder: JournalFolder, kinds: Sequence[type[Event]] = ()) -> Iterator[Event]:
    """Every event of a journal, or those of some kinds, in order."""
    for page in _pages(folder, kinds):
        for row in page:  # a paper account reads all there were: nothing is made between
            yield decode_event(row.body)


def numbered(
    folder: JournalFolder, kinds: Sequence[type[Event]] = ()
) -> Iterator[tuple[int, Event]]:
    """The same, each with the number of its row."""
    for page in _pages(folder, kinds):
        for row in page:
            yield row.seq, decode_event(row.body)


def _pages(folder: JournalFolder, kinds: Sequence[type[Event]]) -> Iterator[list[Row]]:
    names = [kind.__name__ for kind in kinds]
    with folder.reading() as rows:
        at = 1
        while page := rows.page(at, _PAGE, names):
            at = page[-1].seq + 1
            yield page if names else [row for row in page if not row.kind.startswith(PREFIX)]


def journal_differs(folder: JournalFolder, error: KeyError) -> ConfigurationError:
    """The journal names what the settings do not."""
    return ConfigurationError(
        "trading.journal_differs",
        f"the journal {folder.path} knows {error.args[0]}, the settings do not",
        hint="put it back into algotrader.yaml, or begin a new journal: workspace.journal",
    )


def _folded_whole(configuration: Configuration, folder: JournalFolder, run_id: RunId) -> Stood:
    from algotrader.engine.engine import Engine
    from algotrader.ops.desk import build_desk

    engine = Engine(build_desk(configuration).engine_settings(run_id))
    seq = count = 0
    try:
        for seq, event in numbered(folder):  # noqa: B007  the last one is told
            engine.apply(event)
            count += 1
    except KeyError as error:
        raise journal_differs(folder, error) from error
    return Stood(state=engine.state, seq=seq, folded=count)
