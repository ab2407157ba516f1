"""Read `.env`: variables of a workspace that are not exported, and are never committed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from algotrader.core.errors import ConfigurationError

FILE_NAME: Final = ".env"
_LINE: Final = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)", re.ASCII)
_QUOTED: Final = re.compile(r"""(?P<mark>["'])(?P<inside>.*?)(?P=mark)\s*(?:#.*)?""")


@dataclass(frozen=True, slots=True, repr=False)
class Variable:
    """One line of the file. Its value may be a secret, so it has no text of its own."""

    value: str
    line: int


def read_dotenv(folder: Path) -> dict[str, Variable]:
    """The variables of the folder's `.env`, none if it has none.

    Lines are `NAME=value`, also after `export`; a value may stand in quotes, and without them ends
    before ` #`. ConfigurationError names file and line of anything else, never what stands there.
    """
    file = folder / FILE_NAME
    try:
        text = file.read_text(encoding="utf-8-sig")  # some editors mark UTF-8
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ConfigurationError("config.syntax", f"{file}: is not UTF-8 text") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError("config.unreadable", f"{file}: {reason}") from error
    found: dict[str, Variable] = {}
    for number, name, value in _variables(text, file):
        if name in found:
            raise _wrong(file, number, f"{name} stands already in line {found[name].line}")
        found[name] = Variable(value, number)
    return found


def _variables(text: str, file: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        matched = _LINE.fullmatch(stripped)
        if matched is None:
            raise _wrong(file, number, "is not NAME=value")
        yield number, matched["name"], _unquoted(matched["value"], file, number)


def _unquoted(value: str, file: Path, number: int) -> str:
    if value[:1] in ("'", '"'):
        matched = _QUOTED.fullmatch(value)
        if matched is None:
            raise _wrong(file, number, "has a quote that does not end")
        return matched["inside"]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()


def _wrong(file: Path, line: int, what: str) -> ConfigurationError:
    return ConfigurationError(
        "config.syntax", f"{file.name}:{line}: {what}", hint="one variable a line: NAME=value"
    )
