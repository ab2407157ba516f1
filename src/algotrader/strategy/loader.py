"""Loading strategies: from a file, `FILE:Class`, the library, or an installed entry point."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from algotrader.core.errors import StrategyError
from algotrader.core.spelling import hint_among
from algotrader.strategy.base import Strategy

ENTRY_POINTS = "algotrader.strategies"
_AS_IMPORTED: Final[dict[str, str]] = {}
"""The text of each registered strategy's module when this process imported it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStrategy:
    """A strategy class and where it came from. `source_hash` tells versions of it apart (R31)."""

    kind: type[Strategy]
    origin: str  # path of the file, or `module:Class`
    source: str  # text of its module, as it was run
    source_hash: str  # sha256 of that text

    @property
    def name(self) -> str:
        return self.kind.__name__


def load(reference: str, source: str | None = None) -> LoadedStrategy:
    """A strategy by file (`trend.py`, `trend.py:Trend`) or by registered name (`TrendFollow`).

    `source` is the text that was accepted before (F63): it is run in place of what a file says now;
    StrategyError where an installed package says something else. None: as it stands.
    """
    path_text, separator, class_name = reference.rpartition(":")
    if separator and path_text.endswith(".py"):
        return load_file(Path(path_text), class_name, source)
    if reference.endswith(".py"):
        return load_file(Path(reference), None, source)
    return _load_registered(reference, source)


def load_file(path: Path, class_name: str | None, source: str | None = None) -> LoadedStrategy:
    """The one strategy class of a file, or the one named; of `source` in place of its text."""
    text = _text(path) if source is None else source
    module = _execute(path, text)
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    }
    return _loaded(_choose(found, class_name, str(path)), str(path), text)


def _text(path: Path) -> str:
    if not path.is_file():
        raise StrategyError(
            "strategy.file_missing",
            f"there is no strategy file {path}",
            hint="write one with `algotrader strategy new NAME`, or use a name of `algotrader strategy ls`",
        )
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StrategyError(
            "strategy.not_utf8", f"{path}:{line}: is not UTF-8 text",
            hint="save it as UTF-8; editors in China often choose GBK",
        ) from error  # fmt: skip
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StrategyError("strategy.unreadable", f"{path}: {why}") from error


def registered() -> dict[str, str]:
    """Names that `load` knows, each with `module:Class`: the library's and the installed ones."""
    library = "algotrader.strategy.library"
    ours = {
        "TrendFollow": f"{library}.trend:TrendFollow",
        "MeanReversion": f"{library}.mean_reversion:MeanReversion",
        "CrossSectionalMomentum": f"{library}.momentum:CrossSectionalMomentum",
        "MultiFactor": f"{library}.multi_factor:MultiFactor",
        "FundingCarry": f"{library}.carry:FundingCarry",
        "Pair": f"{library}.pair:Pair",
        "ByHand": f"{library}.by_hand:ByHand",
    }
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | ours


def _load_registered(name: str, source: str | None) -> LoadedStrategy:
    names = registered()
    if name not in names:
        raise StrategyError(
            "strategy.unknown",
            f"no strategy is called {name!r}",
            hint=hint_among(name, names, f"give a file, or one of: {', '.join(sorted(names))}"),
        )
    module_name, _, class_name = names[name].partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a package is somebody else's code
        raise _broken(name, f"cannot be loaded: {type(error).__name__}: {error}") from error
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Strategy)) or module.__file__ is None:
        raise _broken(name, f"is no strategy: {names[name]}")
    # Python runs a package once: later its file may say what does not run.
    if module_name not in _AS_IMPORTED:
        _AS_IMPORTED[module_name] = Path(module.__file__).read_bytes().decode()
    text = _AS_IMPORTED[module_name]
    if source is not None and text != source:
        raise StrategyError(
            "strategy.package_changed",
            f"the package of {name} was changed while it trades: {module.__file__}",
            hint="install the version that was there before, or start the trader anew with this one",
        )
    return _loaded(kind, names[name], text)


def _broken(name: str, why: str) -> StrategyError:
    return StrategyError(
        "strategy.entry_point_broken",
        f"what an installed package registers as {name} {why}",
        hint="mend, update or uninstall that package",
    )


class SourceLoader(SourceFileLoader):
    """Runs the text that it is given, and leaves no __pycache__ beside the person's own file.

    Python's cache tells a changed file by its second and its size: `fast = 20` made `fast = 10`
    within the second would run as 20.
    """

    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._text.encode(), self.get_filename(fullname))


def _execute(path: Path, text: str) -> ModuleType:
    """Run the file as a module of its own name; later loads of a changed file start afresh."""
    name = f"algotrader_strategy_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    loader = SourceLoader(name, str(path.absolute()), text)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise StrategyError("strategy.unreadable", f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        place = path if error.filename in (None, spec.origin) else error.filename
        raise StrategyError(
            "strategy.syntax",
            f"{place}:{error.lineno}: {error.msg}",
            hint="Python cannot read the strategy file; mend that line",
        ) from error
    except (Exception, SystemExit) as error:  # a file that calls exit() has failed
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == spec.origin]
        line = (own or frames)[-1]  # what a library raised is mended in the strategy's file
        raise StrategyError(
            "strategy.import_failed",
            f"{line.filename}:{line.lineno}: {type(error).__name__}: {error}",
            hint=f"loading {path} runs it; mend that line",
        ) from error
    return module


def _choose(found: dict[str, type[Strategy]], name: str | None, origin: str) -> type[Strategy]:
    if name is not None:
        if name in found:
            return found[name]
        listed = ", ".join(found) or "none"
        raise StrategyError(
            "strategy.class_missing",
            f"{origin} has no strategy class {name}",
            hint=f"its strategies are: {listed}",
        )
    if not found:
        raise StrategyError(
            "strategy.none_in_file",
            f"{origin} holds no strategy",
            hint="define a class that inherits from algotrader.Strategy",
        )
    if len(found) > 1:
        raise StrategyError(
            "strategy.several_in_file",
            f"{origin} holds {len(found)} strategies: {', '.join(found)}",
            hint=f"name one: {origin}:{next(iter(found))}",
        )
    return next(iter(found.values()))


def _loaded(kind: type[Strategy], origin: str, source: str) -> LoadedStrategy:
    return LoadedStrategy(
        kind=kind,
        origin=origin,
        source=source,
        source_hash=hashlib.sha256(source.encode()).hexdigest(),
    )
