"""Make `.venv` ready: `python3 tools/environment.py run|dev`. Standard library only.

`run` installs what the program needs to research and to trade, `dev` also the tests, linters and
documentation tools; each builds the native kernel in place. Nothing is done when nothing changed:
the stamp, written last, holds a hash of everything that went in, so an interrupted set-up simply
begins again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ready.json"
LOG = VENV / "setup.log"
LOCKS = {
    "run": "requirements/runtime.lock",
    "dev": "requirements/dev.lock",
}
HOLDS = {"run": (), "dev": ("run",)}
OLDEST = (3, 11)
SUGGESTED = "python3.12"
EVERY_MODULE = """
import importlib, pkgutil, ccxt.pro, polars, algotrader
for module in pkgutil.walk_packages(algotrader.__path__, "algotrader."):
    if "templates" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
CMAKE_FOLDERS = (
    "import cmake, sysconfig; print(sysconfig.get_path('purelib')); print(cmake.CMAKE_BIN_DIR)"
)
COMPILERS = (("c++", "cc"), ("g++", "gcc"), ("clang++", "clang"))


class SetupError(Exception):
    """Something the person can mend: a sentence, and the command that helps."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def main(kind: str) -> None:
    check_python()
    wanted = fingerprint(kind)
    done = read_stamp()
    if done.get(kind) == wanted and PYTHON.exists():
        return
    VENV.parent.mkdir(exist_ok=True)
    make_venv()
    LOG.write_text("", encoding="utf-8")
    with step("packages pinned in " + LOCKS[kind]):
        install_packages(kind)
    point_at_cmake()
    if done.get("kernel") != kernel_fingerprint() or not kernel_built():
        build_kernel()
    warm_up()
    # `dev` holds all of `run`; the other way round a later `run` must not look like `dev`.
    ready = {"kernel": kernel_fingerprint(), kind: wanted}
    for other in HOLDS[kind]:
        ready[other] = fingerprint(other)
    STAMP.write_text(json.dumps(ready, indent=1) + "\n", encoding="utf-8")


def check_python() -> None:
    if sys.version_info < OLDEST:
        here = "%d.%d.%d" % sys.version_info[:3]
        raise SetupError(
            "AlgorithmTrader needs Python 3.11 or newer, and this is Python " + here,
            "name another one: make setup PYTHON=" + SUGGESTED,
        )


def make_venv() -> None:
    if PYTHON.exists() and venv_version() == sys.version_info[:2]:
        return
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SetupError(
            "this Python cannot make virtual environments",
            "sudo apt-get install python3-venv",
        ) from None
    with step("Python %d.%d environment in .venv" % sys.version_info[:2]):
        import venv

        venv.create(VENV, clear=VENV.exists(), with_pip=True, symlinks=True)


def venv_version() -> tuple:
    for line in (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() in ("version", "version_info"):
            return tuple(int(part) for part in value.strip().split(".")[:2])
    return ()


def install_packages(kind: str) -> None:
    if run([PYTHON, "-m", "pip", "--version"], check=False):
        run([PYTHON, "-m", "ensurepip"])
    run([PYTHON, "-m", "pip", "install", "--require-hashes", "-r", "requirements/bootstrap.lock"])
    uv_install("--require-hashes", "-r", LOCKS[kind])


def build_kernel() -> None:
    compiler = find_compiler()
    if not compiler:
        with step("no C++ compiler here: the ziglang package serves as one"):
            compiler = make_zig_compiler()
    with step("native kernel, compiled by " + Path(compiler["CXX"]).name):
        forget_other_compiler(compiler)
        uv_install("--no-build-isolation", "--no-deps", "--reinstall", "-e", ".", env=compiler)


def point_at_cmake() -> None:
    """The kernel is looked after by cmake at its import: the one that was installed with it.

    Few machines have one on their PATH, and `.venv/bin/algotrader` is called without activation.
    """
    told = subprocess.run(
        [PYTHON, "-c", CMAKE_FOLDERS], capture_output=True, text=True, check=False
    ).stdout.split("\n")
    if len(told) < 2:
        raise SetupError("cmake was not installed into .venv", "rm -rf .venv, and the same again")
    site, programs = told[:2]
    line = (
        f"import os; own = {programs!r}; path = os.environ.get('PATH', ''); "
        "os.environ['PATH'] = path if own in path else own + os.pathsep + path"
    )
    (Path(site) / "algotrader_cmake.pth").write_text(line + "\n", encoding="utf-8")


def warm_up() -> None:
    """Python compiles a module when it is first imported: not in a person's first command.

    It is also the first use of the kernel: what does not work is said here, not in the middle of it.
    """
    run([PYTHON, "-c", EVERY_MODULE], check=False)
    run([PYTHON, "-c", "import algotrader._kernel"])


def find_compiler() -> dict:
    """CC and CXX as paths; empty where there is no compiler."""
    if os.environ.get("CXX"):
        return {"CXX": os.environ["CXX"], "CC": os.environ.get("CC", os.environ["CXX"])}
    for cxx, cc in COMPILERS:
        if shutil.which(cxx) and shutil.which(cc):
            return {"CXX": shutil.which(cxx), "CC": shutil.which(cc)}
    return {}


def make_zig_compiler() -> dict:
    uv_install("--require-hashes", "-r", "requirements/compiler.lock")
    folder = VENV / "compiler"
    folder.mkdir(exist_ok=True)
    found = {}
    for name, verb in (("CC", "cc"), ("CXX", "c++"), ("AR", "ar"), ("RANLIB", "ranlib")):
        script = folder / ("zig-" + verb)
        script.write_text(f'#!/bin/sh\nexec "{PYTHON}" -m ziglang {verb} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        found[name] = str(script)
    return found


def forget_other_compiler(compiler: dict) -> None:
    """CMake keeps the compiler it first met; a folder built by another one is made anew."""
    for cache in (ROOT / "build").glob("cp*/CMakeCache.txt"):
        if compiler["CXX"] not in cache.read_text(encoding="utf-8"):
            shutil.rmtree(cache.parent)


def kernel_built() -> bool:
    tag = "cp%d%d" % sys.version_info[:2]
    return any((ROOT / "build").glob(tag + "-*/install/**/_kernel*.so"))


def uv_install(*arguments: str, env: dict = {}) -> None:  # noqa: B006 (never changed)
    # Like pip, take any of a person's indexes: the hashes decide what is accepted.
    options = ["--python", PYTHON, "--index-strategy", "unsafe-best-match"]
    run([PYTHON, "-m", "uv", "pip", "install", *options, *arguments], env={**index(), **env})


def index() -> dict:
    """uv reads no pip configuration: hand it the package index that pip would use."""
    said = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "cert": "SSL_CERT_FILE",
    }
    found = {}
    for line in said.splitlines():
        key, _, value = line.partition("=")
        name = names.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            found[name] = value.strip("'\"").replace("\\n", " ").strip()
    return found


def fingerprint(kind: str) -> str:
    return (
        digest(LOCKS[kind], "requirements/bootstrap.lock", "tools/environment.py")
        + kernel_fingerprint()
    )


def kernel_fingerprint() -> str:
    """What the editable install depends on; C++ sources are rebuilt on import by themselves.

    It holds the place of every module, so one that was moved must be installed anew.
    """
    modules = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.py"))
    places = hashlib.sha256("\n".join(modules).encode()).hexdigest()[:16]
    built = digest("pyproject.toml", "native/CMakeLists.txt", "tools/environment.py")
    return built + places + str(ROOT)


def digest(*names: str) -> str:
    total = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name in names:
        total.update((ROOT / name).read_bytes())
    return total.hexdigest()[:16]


def read_stamp() -> dict:
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def run(command: list, env: dict = {}, check: bool = True) -> int:  # noqa: B006 (never changed)
    """Run with all output in the log; a failure shows the log's end. Returns the exit code."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n$ " + " ".join(str(part) for part in command) + "\n")
        log.flush()
        code = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code and check:
        tail = LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
        raise SetupError("set-up stopped; the log ends:\n    " + "\n    ".join(tail), f"see {LOG}")
    return code


class step:  # noqa: N801 (reads as a verb where it is used)
    """One line of progress: what, and how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> None:
        self.began = time.monotonic()
        print(f"setup: {self.title} ...", end="", flush=True)

    def __exit__(self, kind: object, *rest: object) -> None:
        print(f" {time.monotonic() - self.began:.0f} s" if kind is None else "", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except SetupError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
