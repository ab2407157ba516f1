"""The built wheel works where there is no compiler, no checkout, and an empty environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
from tests.builders.loopback import free_port
from tools import environment

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "src" / "algotrader" / "api" / "static" / "index.html"
TOOLS = ("sh", "env", "uname", "dirname", "basename")
KERNEL_CALL = """
import numpy
from algotrader import _kernel
assert _kernel.fixed_sum(numpy.array([0.5, 0.25])) == 0.75
assert "site-packages" in _kernel.__file__
"""


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` builds it, in a folder of its own so that nothing is disturbed."""
    folder = tmp_path_factory.mktemp("dist")
    compiler = environment.find_compiler() or environment.make_zig_compiler()
    build = f"build-dir={folder / 'build'}"
    uv = [sys.executable, "-m", "uv"]
    options = ["--wheel", "--no-build-isolation", "--offline", "-C", build, "--out-dir"]
    run([*uv, "build", "--python", sys.executable, *options, str(folder), "--quiet"], **compiler)
    (built,) = folder.glob("*.whl")
    return built


def test_promise_22_the_wheel_holds_kernel_types_sample_and_templates(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for part in (
        "algotrader/_kernel.",
        "algotrader/py.typed",
        "algotrader/_kernel.pyi",
        "algotrader/sample_data/us_AAPL_1d.parquet",
        "algotrader/sample_data/LICENCES.txt",
        "algotrader/cli/templates/algotrader.yaml",
        "licenses/LICENSE",
        "licenses/NOTICE",
        *(("algotrader/api/static/index.html", ".js.gz") if CONSOLE.is_file() else ()),
    ):
        assert any(part in name for name in names), part
    assert not [name for name in names if name.startswith(("tests/", "native/", "tools/"))]


def test_promise_22_the_wheel_runs_where_path_has_no_compiler(wheel: Path, tmp_path: Path) -> None:
    venv, tools = installed(wheel, tmp_path)

    said = run([str(venv / "bin" / "algotrader"), "version"], PATH=str(tools))

    assert said.startswith("algotrader")
    run([str(venv / "bin" / "python"), "-c", KERNEL_CALL], PATH=str(tools))


@pytest.mark.slow
@pytest.mark.skipif(
    not CONSOLE.is_file(), reason="not run: the console is not built (make console)"
)
def test_the_installed_wheel_serves_the_console_where_there_is_no_node(
    wheel: Path, tmp_path: Path
) -> None:
    """The pages and all that they name come from the package itself."""
    venv, tools = installed(wheel, tmp_path)
    port = free_port()
    (tmp_path / "algotrader.yaml").write_text(f"api: {{port: {port}, beside: false}}\n", "utf-8")
    with (tmp_path / "api.out").open("wb") as out:
        process = subprocess.Popen(
            [str(venv / "bin" / "algotrader"), "run", "api"], cwd=tmp_path, stdout=out, stderr=out,
            env={"PATH": str(tools), "HOME": str(tmp_path)},
        )  # fmt: skip
    try:
        page = fetched(port, "/")
        named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
        assert len(named) >= 3
        for path in named:
            assert fetched(port, path) == (CONSOLE.parent / path.lstrip("/")).read_text("utf-8")
    finally:
        process.terminate()
        process.wait(30)


def fetched(port: int, path: str) -> str:
    """What is served, once it is."""
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                body: bytes = answer.read()
                return body.decode()
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def installed(wheel: Path, tmp_path: Path) -> tuple[Path, Path]:
    """An environment with the wheel alone, and a PATH with next to nothing."""
    venv = tmp_path / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    python = str(venv / "bin" / "python")
    # The libraries it needs are those of this environment; only the program itself is installed.
    (here,) = {path for path in sys.path if path.endswith("site-packages")}
    (site,) = venv.glob("lib/python*/site-packages")
    run([sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--quiet",
         "--python", python, str(wheel)])  # fmt: skip
    (site / "libraries.pth").write_text(here + "\n", encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    return venv, tools
