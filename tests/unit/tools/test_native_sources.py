"""Every source file of the kernel is built: the build names them one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[3] / "native"


@pytest.mark.parametrize("folder", ["src", "bindings", "tests"])
def test_every_native_source_is_named_in_the_build(folder: str) -> None:
    build = (NATIVE / "CMakeLists.txt").read_text()
    named = set(re.findall(rf"\b{folder}/\w+\.cpp\b", build))

    assert named == {f"{folder}/{path.name}" for path in (NATIVE / folder).glob("*.cpp")}


def test_the_build_looks_for_no_sources_by_itself() -> None:
    assert "GLOB" not in (NATIVE / "CMakeLists.txt").read_text()
