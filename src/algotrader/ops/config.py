"""Read algotrader.yaml: one file, one schema, and for every setting where it came from.

A later source wins: default, file, `.env`, environment (`ALGOTRADER__SECTION__KEY`), command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from algotrader.core.errors import ConfigurationError
from algotrader.core.spelling import hint_among, nearest
from algotrader.live.settings import SECRET_NAME
from algotrader.ops.dotenv import FILE_NAME as DOTENV
from algotrader.ops.dotenv import read_dotenv
from algotrader.ops.secret_values import looks_secret, require_no_secrets
from algotrader.ops.settings import Settings
from algotrader.ops.yaml_lines import Key, read_yaml
from algotrader.risk.kinds import Duration

FILE_NAME = "algotrader.yaml"
PREFIX = "ALGOTRADER__"
COMMAND_LINE = "command line"
DEFAULT = "default"
ANY = "NAME"
"""Stands in a key for the name that a person gives an account or a strategy."""
_EVERY = "algotrader config show lists every setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings in force; `origins` says for each dotted key where its value came from."""

    settings: Settings
    origins: Mapping[str, str]
    folder: Path  # what relative paths of the workspace are relative to
    file: Path | None = None

    def path(self, relative: Path) -> Path:
        """A folder of the workspace, absolute."""
        return self.folder / relative

    def value(self, key: str) -> Any:
        """The value of a dotted key; ConfigurationError if there is no such setting."""
        found: Any = self.settings
        for name in setting(key):
            found = found.get(name) if isinstance(found, Mapping) else getattr(found, name)
            if found is None:
                break
        return found

    def named_keys(self) -> Iterator[str]:
        """Every setting's dotted key, with those of each account and strategy that is named."""
        for key in keys():
            section, _, inside = key.partition(f".{ANY}.")
            names = attrgetter(section)(self.settings) if inside else ()
            yield from (f"{section}.{name}.{inside}" for name in names) if inside else (key,)


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str],
    overrides: Mapping[str, Any] | None = None,
    start: Path | None = None,
) -> Configuration:
    """Read the settings in force.

    Without `file` the nearest algotrader.yaml in `start` (default: here) or a folder above is
    read; without one, defaults hold. `overrides` are dotted keys from the command line.
    ConfigurationError names file, line and key of everything that is wrong.
    """
    here = (start or Path.cwd()).resolve()
    source = file or find_file(here)
    folder = source.resolve().parent if source else here
    values, origins = _read(source) if source else ({}, {})
    for variable, text, origin in _variables(folder if source else None, environment):
        key = setting(variable.removeprefix(PREFIX).lower().replace("__", "."), variable)
        _put(values, key, _scalar(text, variable), variable)
        origins[".".join(key)] = f"{origin} {variable}"
    for dotted, value in (overrides or {}).items():
        _put(values, setting(dotted, COMMAND_LINE), value, COMMAND_LINE)
        origins[dotted] = COMMAND_LINE
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, origins, source) from error
    _require_known_names(settings, origins, source)
    _require_addresses(settings, origins, source)
    return Configuration(settings=settings, origins=origins, folder=folder, file=source)


def find_file(start: Path) -> Path | None:
    """The nearest algotrader.yaml in a folder or above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def keys() -> Iterator[str]:
    """Every setting's dotted key, in the order of the schema."""
    return _keys(Settings, "")


def setting(key: str, origin: str = "") -> tuple[str, ...]:
    """The parts of a dotted key that names one setting; ConfigurationError suggests near ones."""
    known = list(keys())
    parts, general = _split(key)
    if key in known or general in known:
        return parts
    where = f"{origin}: " if origin else ""
    if inside := [name for name in known if name.startswith(f"{key}.")]:
        raise ConfigurationError(
            "config.section", f"{where}{key} is a section, not one setting",
            hint=f"it holds {', '.join(inside)}",
        )  # fmt: skip
    raise ConfigurationError(
        "config.unknown_key", f"{where}{key} is no setting", hint=_suggest(key, known)
    )


def field_of(key: str) -> tuple[Any, str]:
    """Type and description of a setting, for `config explain`."""
    field = _field(key)
    is_duration = any(one in get_args(Duration) for one in field.metadata)
    return Duration if is_duration else field.annotation, field.description or ""


def default_of(key: str) -> Any:
    """What a setting is where nobody says it; `...` where somebody must."""
    field = _field(key)
    return ... if field.is_required() else field.get_default(call_default_factory=True)


def _field(key: str) -> FieldInfo:
    setting(key)
    sections = [section for section in _split(key)[1].split(".") if section != ANY]
    model: type[BaseModel] = Settings
    for section in sections[:-1]:
        model = _model_of(model, section)
    return model.model_fields[sections[-1]]


def _read(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError("config.syntax", f"{file}: is not UTF-8 text") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            "config.unreadable", f"{file}: {reason}", hint="algotrader init DIR makes one"
        ) from error
    name = short(file)
    document = read_yaml(text, name)
    require_no_secrets(document, name, frozenset(key.rpartition(".")[2] for key in keys()))
    origins = {".".join(map(str, key)): f"{name}:{line}" for key, line in document.lines.items()}
    return document.values, origins


def short(file: Path) -> str:
    """As short as it can be: relative to here, where the file is below."""
    resolved, here = file.resolve(), Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else file)


def _variables(
    workspace: Path | None, environment: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Name, text and origin of the settings in `.env` and the environment, which wins."""
    for name, held in read_dotenv(workspace).items() if workspace else ():
        if name.startswith(PREFIX) and name not in environment:
            yield name, held.value, f"{DOTENV}:{held.line}"
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX):
            yield name, text, "environment"


def _scalar(text: str, variable: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such day
        raise ConfigurationError("config.syntax", f"{variable} cannot be read as YAML") from error


def _put(values: dict[str, Any], key: tuple[str, ...], value: Any, origin: str) -> None:
    inner = values
    for name in key[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigurationError("config.type", f"{origin}: {name} is no section in the file")
    inner[key[-1]] = value


def _split(key: str) -> tuple[tuple[str, ...], str]:
    """The parts of a dotted key, and the key with `NAME` for what a person named:
    `accounts.NAME.cash` for `accounts.main.cash`; the key itself where nobody chose a name.

    A name may have dots of its own: `US:BRK.B`, `FILE:btc.1h`.
    """
    shown: list[str] = []
    general: list[str] = []
    rest = key.split(".")
    model: type[BaseModel] | None = Settings
    while rest and model is not None:
        shown.append(rest.pop(0))
        general.append(shown[-1])
        field = model.model_fields.get(shown[-1])
        annotation = None if field is None else field.annotation
        named = _named_model(annotation)
        if named is not None and len(rest) > 1:
            inside = set(_keys(named, ""))
            ends = (n for n in range(1, len(rest)) if ".".join(rest[n:]) in inside)
            end = next(ends, 1)
            shown.append(".".join(rest[:end]))
            general.append(ANY)
            del rest[:end]
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            named = annotation
        model = named
    return (*shown, *rest), ".".join((*general, *rest))


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")
        elif (named := _named_model(field.annotation)) is not None:
            yield from _keys(named, f"{prefix}{name}.{ANY}.")
        else:
            yield f"{prefix}{name}"


def _named_model(annotation: Any) -> type[BaseModel] | None:
    """What a section of named parts holds: the model of each part."""
    parts = [part for part in get_args(annotation) if isinstance(part, type)]
    last = parts[-1] if get_origin(annotation) in (dict, Mapping) and parts else None
    return last if last is not None and issubclass(last, BaseModel) else None


def _model_of(model: type[BaseModel], section: str) -> type[BaseModel]:
    annotation = model.model_fields[section].annotation
    held = _named_model(annotation) or annotation
    assert isinstance(held, type)
    assert issubclass(held, BaseModel)
    return held


def _refusal(
    error: ValidationError, origins: Mapping[str, str], source: Path | None
) -> ConfigurationError:
    """All that is wrong, one line each, the first by line; one hint, for the first."""
    details = error.errors(include_url=False)
    said = [f"{_where(each['loc'], origins, source)}: {_sentence(each)}" for each in details]
    unknown = [each for each in details if each["type"] == "extra_forbidden"]
    hint = _explaining(_dotted(details[0]["loc"]))
    if unknown:
        hint = _suggest(_dotted(unknown[0]["loc"]), list(keys()))
    code = "config.unknown_key" if unknown else "config.value"
    return ConfigurationError(code, "\n".join(dict.fromkeys(said)), hint=hint)


def _require_known_names(
    settings: Settings, origins: Mapping[str, str], source: Path | None
) -> None:
    """A limit of its own for an account or a strategy that does not exist would limit nothing."""
    for section, known in (("accounts", settings.accounts), ("strategies", settings.strategies)):
        for name in getattr(settings.risk, section):
            if known and name not in known:
                key: Key = ("risk", section, name)
                raise ConfigurationError(
                    "config.unknown_name",
                    f"{_where(key, origins, source)}: {_dotted(key)} limits nothing: {section} has "
                    f"no {name}",
                    hint=hint_among(name, known, f"{section} are: {', '.join(known)}"),
                )


def _require_addresses(settings: Settings, origins: Mapping[str, str], source: Path | None) -> None:
    """`127.0.0.1:9443` alone is no address, and would only be told as a venue that is silent."""
    for key in ("trading.url", "collect.url", "collect.second_url"):
        url = attrgetter(key)(settings)
        if url is not None and not _is_address(url):
            raise ConfigurationError(
                "config.value",
                f"{_where(tuple(key.split('.')), origins, source)}: {key}: is no address "
                f"(it is {url!r})",
                hint="write it like http://127.0.0.1:9443",
            )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _where(location: Key, origins: Mapping[str, str], source: Path | None) -> str:
    """The line of the key, or of the nearest section around it."""
    for length in range(len(location), 0, -1):
        origin = origins.get(_dotted(location[:length]))
        if origin:
            return origin
    return short(source) if source else "settings"


def _sentence(detail: ErrorDetails) -> str:
    key = _dotted(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key} is no setting"
    if detail["type"] == "missing":
        return f"{key} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    is_name = detail.get("ctx", {}).get("pattern") == SECRET_NAME  # somebody may have put it there
    is_shown = not (is_name or looks_secret(detail["input"]) or isinstance(detail["input"], dict))
    shown = f" (it is {detail['input']!r})" if is_shown else ""
    return f"{key}: {message[:1].lower()}{message[1:]}{shown}"


def _dotted(location: Key) -> str:
    return ".".join(map(str, location))


def _explaining(key: str) -> str:
    """Where to read what a setting may be: a section, or a name in one, has no explanation."""
    try:
        setting(key)
    except ConfigurationError:
        return _EVERY
    return f"algotrader config explain {key}"


def _suggest(key: str, known: list[str]) -> str:
    called = [name for name in known if name.endswith(f".{key}")]  # which is meant nobody knows
    near = nearest(key, known)
    meant = called or ([] if near is None else [near])
    return f"did you mean {' or '.join(meant)}?" if meant else _EVERY
