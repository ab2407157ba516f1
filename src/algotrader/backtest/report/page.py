"""The page around every report: one file with style, scripts and data inside, and nothing outside.

A content policy in the head names the scripts by their hash, so that no text in the data, whatever
it holds, can become a script (F79), and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from pathlib import Path

from algotrader.backtest.report.figures import Lang
from algotrader.backtest.report.words import Phrase, both, catalogue, say
from algotrader.core.errors import RunError

# The scripts of a report of one account, each after those it imports.
ACCOUNT_MODULES = (
    "core.js",
    "decode.js",
    "axis.js",
    "zoom.js",
    "equity.js",
    "price.js",
    "trades.js",
    "main.js",
    "run.js",
)
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+|^\n", re.MULTILINE)
_COMMENT = re.compile(r"^(//.*|/\*.*\*/)\n", re.MULTILINE)


def build_page(
    *,
    title: str,
    kind: Phrase,
    body: Iterable[str],
    footer: Iterable[str],
    data: Mapping[str, object],
    modules: tuple[str, ...],
    lang: Lang,
) -> str:
    """The whole file. `modules` are files of `assets/js`, each after those it imports."""
    settings = asset("js/settings.js")
    record = f"const D = {script_json({**data, 'words': script_words()})};"
    program = bundle(modules)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {_hash(settings)} {_hash(record)} {_hash(program)}"
    )
    return asset("shell.html").format(
        lang=lang,
        title=escape(title),
        policy=policy,
        style=_bare(asset("tokens.css") + asset("report.css")),
        switches=_switches(),
        kind=both(kind),
        skip=both(say("skip")),
        body="\n".join(body),
        footer="".join(f"<span>{part}</span>" for part in footer),
        settings=settings,
        data=record,
        program=program,
    )


def in_language(html: str, lang: Lang) -> str:
    """The same page, opening in that language whatever the reader's browser prefers."""
    return re.sub(r'<html lang="\w+"', f'<html lang="{lang}" data-lang="{lang}"', html, count=1)


def write_report(path: Path, html: str) -> None:
    """Write the file so that a reader sees the old one or the new one, never half of it."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(html)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(
            "report.write",
            f"the report {path} could not be written: {error.strerror or error}",
            hint="free space or name another place with --report FILE.html",
        ) from error


@lru_cache
def asset(name: str) -> str:
    file = resources.files("algotrader.backtest.report").joinpath(f"assets/{name}")
    return file.read_text(encoding="utf-8")


@lru_cache
def bundle(modules: tuple[str, ...]) -> str:
    """The modules as one: their imports of each other are dropped, their exports made local."""
    parts = [_EXPORT.sub("", _IMPORT.sub("", asset(f"js/{name}"))) for name in modules]
    return _bare('"use strict";\n' + "\n".join(parts))


def _bare(text: str) -> str:
    """Without indentation and lines that are only a comment: no literal here spans lines."""
    return _COMMENT.sub("", _INDENT.sub("", text))


def script_json(value: object) -> str:
    """JSON that cannot end the script it stands in. ValueError for NaN and infinity."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def script_words() -> dict[str, list[str]]:
    """The part of the catalogue that scripts speak: keys that begin with `js.`."""
    return {
        key.removeprefix("js."): [texts["en"], texts["zh"]]
        for key, texts in catalogue().items()
        if key.startswith("js.")
    }


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


_SWITCHES = (
    ("profit", "switch.profit", (("green", "switch.green_up"), ("red", "switch.red_up"))),
    ("theme", "switch.theme", (("light", "switch.light"), ("dark", "switch.dark"))),
    ("lang", "switch.lang", (("en", "switch.en"), ("zh", "switch.zh"))),
)


def _switches() -> str:
    groups = []
    for name, label, choices in _SWITCHES:
        buttons = "".join(
            f'<button type="button" data-set="{name}:{value}" aria-pressed="false">'
            f"{both(say(key))}</button>"
            for value, key in choices
        )
        groups.append(
            f'<span class="seg {name}" role="group" data-label="{label}">{buttons}</span>'
        )
    return "".join(groups)
