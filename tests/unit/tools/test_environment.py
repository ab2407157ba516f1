"""Set-up says in one sentence what it lacks, does nothing twice, and begins again when cut off."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tools import environment

SOURCE = Path(environment.__file__)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout of its own, so that nothing here touches the real environment."""
    for name in (*environment.LOCKS.values(), "requirements/bootstrap.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one\n", encoding="utf-8")
    for name in ("native/CMakeLists.txt", "tools/environment.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("one\n", encoding="utf-8")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", venv / "ready.json")
    monkeypatch.setattr(environment, "LOG", venv / "setup.log")
    return tmp_path


@pytest.fixture
def work(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that set-up takes, written down instead of done."""
    done: list[str] = []

    def make_venv() -> None:
        (checkout / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (checkout / ".venv" / "bin" / "python").touch()

    monkeypatch.setattr(environment, "make_venv", make_venv)
    monkeypatch.setattr(environment, "install_packages", done.append)
    monkeypatch.setattr(environment, "build_kernel", lambda: done.append("kernel"))
    monkeypatch.setattr(environment, "kernel_built", lambda: "kernel" in done)
    monkeypatch.setattr(environment, "warm_up", lambda: None)
    monkeypatch.setattr(environment, "point_at_cmake", lambda: None)
    return done


def test_it_can_be_read_by_a_python_too_old_to_run_it() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_an_old_python_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))

    with pytest.raises(environment.SetupError, match=r"needs Python 3\.11 .* Python 3\.9\.2"):
        environment.main("run")


def test_a_python_without_venv_names_the_one_command(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    with pytest.raises(environment.SetupError) as caught:
        environment.main("run")
    assert caught.value.hint == "sudo apt-get install python3-venv"
    assert not (checkout / ".venv").exists()


def test_every_module_of_the_program_can_be_compiled_at_set_up() -> None:
    done = subprocess.run([sys.executable, "-c", environment.EVERY_MODULE], capture_output=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_cmake_is_found_where_no_path_leads_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is looked after at its import, by a command called without activation."""
    programs = tmp_path / "cmake" / "bin"
    programs.mkdir(parents=True)
    (programs / "cmake").write_text("#!/bin/sh\necho found\n")
    (programs / "cmake").chmod(0o755)
    told = f"print({str(tmp_path)!r}); print({str(programs)!r})"
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "CMAKE_FOLDERS", told)

    environment.point_at_cmake()

    ask = (
        f"import site; site.addsitedir({str(tmp_path)!r}); site.addsitedir({str(tmp_path)!r}); "
        "import os, subprocess; print(os.environ['PATH'], flush=True); subprocess.run(['cmake', '--build', '.'])"
    )
    said = subprocess.run(
        # Without the environment's own paths, which set-up has pointed at cmake already.
        [sys.executable, "-S", "-c", ask],
        capture_output=True,
        text=True,
        env={"PATH": "/nowhere"},
    )
    assert said.stdout.split() == [f"{programs}:/nowhere", "found"]


def test_a_missing_cmake_is_said_at_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "CMAKE_FOLDERS", "import no_such_module")

    with pytest.raises(environment.SetupError, match="cmake was not installed"):
        environment.point_at_cmake()


def test_nothing_is_done_twice(work: list[str]) -> None:
    environment.main("run")
    environment.main("run")

    assert work == ["run", "kernel"]


def test_dev_holds_run_and_builds_the_kernel_once(work: list[str]) -> None:
    environment.main("run")
    environment.main("dev")
    environment.main("run")

    assert work == ["run", "kernel", "dev"]


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("requirements/runtime.lock", ["run"]),
        ("requirements/dev.lock", []),
        ("pyproject.toml", ["run", "kernel"]),
        ("native/CMakeLists.txt", ["run", "kernel"]),
    ],
)
def test_only_what_changed_is_done_again(
    work: list[str], checkout: Path, changed: str, steps: list[str]
) -> None:
    environment.main("run")
    work.remove("run")
    (checkout / changed).write_text("two\n", encoding="utf-8")
    environment.main("run")

    assert work == ["kernel", *steps]


def test_a_module_that_was_moved_is_installed_anew(work: list[str], checkout: Path) -> None:
    module = checkout / "src" / "algotrader" / "events.py"
    module.parent.mkdir(parents=True)
    module.touch()
    environment.main("run")
    work.remove("kernel")
    module.with_suffix("").mkdir()
    module.rename(module.with_suffix("") / "__init__.py")
    environment.main("run")

    assert "kernel" in work


def test_a_set_up_that_was_cut_off_begins_again(
    work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "build_kernel", cut_off)
        with pytest.raises(KeyboardInterrupt):
            environment.main("run")
    environment.main("run")

    assert work == ["run", "run", "kernel"]


def test_a_failing_tool_shows_the_end_of_its_log(checkout: Path) -> None:
    with pytest.raises(environment.SetupError, match="it went wrong") as caught:
        environment.run([sys.executable, "-c", "import sys; sys.exit('it went wrong')"])
    assert "setup.log" in caught.value.hint


def test_a_named_compiler_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/opt/c++")
    monkeypatch.setenv("CC", "/opt/cc")

    assert environment.find_compiler() == {"CXX": "/opt/c++", "CC": "/opt/cc"}


def test_an_empty_path_has_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert environment.find_compiler() == {}


def test_zig_stands_in_as_scripts_that_can_be_run(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[Any] = []
    monkeypatch.setattr(environment, "uv_install", lambda *words: installed.append(words))
    (checkout / ".venv").mkdir()
    compiler = environment.make_zig_compiler()

    assert installed == [("--require-hashes", "-r", "requirements/compiler.lock")]
    for name, verb in (("CC", "cc"), ("CXX", "c++")):
        script = Path(compiler[name])
        assert script.stat().st_mode & 0o111
        assert script.read_text(encoding="utf-8").endswith(f'-m ziglang {verb} "$@"\n')


def test_what_another_compiler_built_is_built_anew(checkout: Path) -> None:
    for tag, compiler in (("cp311-a", "/usr/bin/c++"), ("cp312-a", "/opt/other")):
        (checkout / "build" / tag).mkdir(parents=True)
        cache = checkout / "build" / tag / "CMakeCache.txt"
        cache.write_text(f"CMAKE_CXX_COMPILER:STRING={compiler}\n", encoding="utf-8")
    environment.forget_other_compiler({"CXX": "/usr/bin/c++"})

    assert [path.name for path in (checkout / "build").iterdir()] == ["cp311-a"]
