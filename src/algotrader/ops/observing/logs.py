"""Where log lines go: JSON into a file that stays small, words onto the terminal, no secret in either.

Lines are handed to a thread: a slow disk delays no order. If it cannot keep up, lines are lost and
counted. Every line passes the redactor, those of libraries included.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import Full, Queue
from typing import IO, Any, Final

import structlog
from structlog.stdlib import ProcessorFormatter

from algotrader.ops.observing.redaction import Redactor
from algotrader.ops.observing.repeats import Repeats
from algotrader.ops.observing.settings import LoggingSettings

NAME: Final = "algotrader"
_WAITING: Final = 10_000  # lines
_LEVELS: Final = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
    "error": logging.ERROR,
}  # fmt: skip
_LAST_WORDS_S: Final = 5.0
_FOR_PROGRAMS: Final = ("run", "ts_event", "ts_known", "v")
_TALKATIVE: Final = (
    "ccxt", "aiohttp", "asyncio", "httpx", "httpcore", "websockets", "telegram", "apscheduler",
    "apprise", "urllib3", "uvicorn", "charset_normalizer", "requests",
)  # fmt: skip
"""Libraries that tell of each request: only what goes wrong is kept of theirs."""
_Line = MutableMapping[str, Any]


@contextmanager
def logging_to(
    settings: LoggingSettings,
    folder: Path,
    redactor: Redactor,
    *,
    verbose: int = 0,
    terminal: IO[str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> Iterator[Callable[[], int]]:
    """Log as long as the block lasts; gives a function that counts the lines that were lost.

    `folder` is the workspace's; `terminal` is standard error unless told otherwise; `fields`
    stand in every line. `verbose` 1 shows `info` on the terminal, 2 `debug`. A file that cannot be
    opened is said on the terminal: trading goes on, its truth is the journal.
    """
    stream = sys.stderr if terminal is None else terminal
    shown = min(
        _LEVELS[settings.terminal], (logging.ERROR, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    )
    handlers: list[logging.Handler] = [_on_terminal(stream, shown, redactor, all_of_it=verbose > 1)]
    try:
        handlers.append(_into_file(settings, folder, redactor, dict(fields or {}), verbose))
    except OSError as error:
        stream.write(f"no log file: {error.filename}: {error.strerror}; trading goes on\n")
    lines: Queue[Any] = Queue(_WAITING)
    entrance = _Entrance(lines, handlers, redactor)
    listener = _Listener(lines, *handlers, respect_handler_level=True)
    root, ours = logging.getLogger(), logging.getLogger(NAME)
    before = root.handlers[:], root.level, ours.level
    listener.start()
    root.handlers[:] = [entrance]
    root.setLevel(logging.WARNING)
    ours.setLevel(min(handler.level for handler in handlers))
    try:
        with _quiet_libraries(logging.INFO if verbose > 1 else logging.WARNING):
            yield lambda: entrance.lost
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        listener.stop()
        for handler in handlers:
            handler.close()


def change_levels(settings: LoggingSettings) -> None:
    """Let the log that is open get more or less from here on; nothing happens where none is."""
    for entrance in _open():
        for handler in entrance.handlers:
            is_file = isinstance(handler, RotatingFileHandler)
            handler.setLevel(_LEVELS[settings.level if is_file else settings.terminal])
        logging.getLogger(NAME).setLevel(min(one.level for one in entrance.handlers))


def learn_secrets(values: Iterable[str]) -> None:
    """Keep these out of the log that is open, too."""
    known = list(values)
    for entrance in _open():
        entrance.redactor.learn(known)


def lost_lines() -> int:
    """Of the log that is open: how many no disk took, or none in time."""
    return sum(
        entrance.lost + sum(one.lost for one in entrance.handlers if isinstance(one, _File))
        for entrance in _open()
    )


def _open() -> Iterator[_Entrance]:
    """The log that is open now, if one is."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Entrance):
            yield handler


def event_log(name: str = NAME) -> structlog.stdlib.BoundLogger:
    """A log whose lines are an event and its fields: `log.info("order.filled", order=…)`."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.add_log_level,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return log


class _Entrance(QueueHandler):
    """Takes a line and returns. A full queue loses it, and counts."""

    def __init__(
        self, lines: Queue[Any], handlers: Sequence[logging.Handler], redactor: Redactor
    ) -> None:
        super().__init__(lines)
        self.handlers = handlers  # behind the queue
        self.redactor = redactor
        self.lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if not isinstance(record.msg, dict):  # a library's: its arguments may change later
            record.msg, record.args = record.getMessage(), None
        return record

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  logging's name
        self.lost += 1


class _Listener(QueueListener):
    """Ends in bounded time: a terminal that nobody reads, or a disk that hangs, holds up nobody."""

    def stop(self) -> None:
        if self._thread is not None:
            with suppress(Full):
                self.enqueue_sentinel()
            self._thread.join(_LAST_WORDS_S)
            self._thread = None


class _File(RotatingFileHandler):
    """Says once that it cannot be written, not once a line with a trace."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  logging's name
        self.lost += 1
        if self.lost == 1:
            sys.stderr.write(f"the log {self.baseFilename} cannot be written; trading goes on\n")

    def close(self) -> None:
        with suppress(OSError):  # what a full disk did not take was said already
            super().close()


def _into_file(
    settings: LoggingSettings,
    folder: Path,
    redactor: Redactor,
    fields: dict[str, str],
    verbose: int,
) -> logging.Handler:
    path = folder / settings.file
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _File(
        path,
        maxBytes=round(settings.max_mb * 1_000_000),
        backupCount=settings.keep,
        encoding="utf-8",
    )
    handler.setLevel(logging.DEBUG if verbose > 1 else _LEVELS[settings.level])
    handler.setFormatter(_formatter(redactor, _json_line(fields)))
    return handler


class _Terminal(logging.StreamHandler[IO[str]]):
    """Shows what repeats itself once a minute."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        if (shown := self._repeats.shown(record)) is not None:
            super().emit(shown)


def _on_terminal(
    stream: IO[str], level: int, redactor: Redactor, *, all_of_it: bool
) -> logging.Handler:
    handler = logging.StreamHandler(stream) if all_of_it else _Terminal(stream)
    handler.setLevel(level)
    drawn = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), pad_event_to=0, timestamp_key="time", sort_keys=False
    )

    def for_people(log: Any, method: str, line: _Line) -> str:
        return drawn(log, method, _without_marks(line))

    handler.setFormatter(_formatter(redactor, for_people))
    return handler


def _without_marks(line: _Line) -> _Line:
    """Without what the terminal has said already, or nobody reads there: the file keeps it."""
    for name in _FOR_PROGRAMS:
        line.pop(name, None)
    return {name: value for name, value in line.items() if value is not None}


def _formatter(redactor: Redactor, renderer: Any) -> ProcessorFormatter:
    """A line of ours and one of a library become the same fields; the redactor has the last word."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _time_of_record,
        ],
        processors=[
            structlog.processors.format_exc_info,
            ProcessorFormatter.remove_processors_meta,
            lambda _log, _method, line: _shown(line, redactor),
            renderer,
        ],
    )


def _shown(line: _Line, redactor: Redactor) -> _Line:
    shown: _Line = redactor.value(line)
    return shown


def _time_of_record(_log: Any, _method: str, line: _Line) -> _Line:
    created = datetime.fromtimestamp(line["_record"].created, UTC)
    line["time"] = created.isoformat().replace("+00:00", "Z")
    return line


def _json_line(fields: dict[str, str]) -> Callable[[Any, str, _Line], str]:
    def render(_log: Any, _method: str, line: _Line) -> str:
        first = {key: line.pop(key, None) for key in ("time", "level", "event")}
        return json.dumps({**first, **fields, **line}, ensure_ascii=False)

    return render


@contextmanager
def _quiet_libraries(level: int) -> Iterator[None]:
    logs = [logging.getLogger(name) for name in _TALKATIVE]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(level)
    try:
        yield
    finally:
        for log, was in zip(logs, before, strict=True):
            log.setLevel(was)
