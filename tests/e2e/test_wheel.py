"""The built wheel works where there is no compiler, no checkout, and an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools import environment

ROOT = Path(__file__).resolve().parents[2]
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
    ):
        assert any(part in name for name in names), part
    assert not [name for name in names if name.startswith(("tests/", "native/", "tools/"))]


def test_promise_22_the_wheel_runs_where_path_has_no_compiler(wheel: Path, tmp_path: Path) -> None:
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

    said = run([str(venv / "bin" / "algotrader"), "version"], PATH=str(tools))

    assert said.startswith("algotrader")
    run([python, "-c", KERNEL_CALL], PATH=str(tools))
