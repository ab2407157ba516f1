"""Workflows, issue forms and changelog fragments are what their readers expect. No network."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(
    path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)
LABELS = {"bug", "core", "data", "docs", "execution", "infra", "risk"}
SUPPORTED = ["3.11", "3.12", "3.13"]


def validate(schema: str, files: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_follow_their_schema() -> None:
    validate("vendor.github-workflows", WORKFLOWS)
    validate("custom.github-workflows-require-timeout", WORKFLOWS)


def test_issue_forms_follow_their_schema() -> None:
    validate("vendor.github-issue-forms", FORMS)
    validate("vendor.github-issue-config", [ROOT / ".github/ISSUE_TEMPLATE/config.yml"])


def test_every_supported_python_is_tested() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))

    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == SUPPORTED


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_an_area_and_uses_known_labels(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    area = next(part for part in content["body"] if part.get("id") == "area")

    assert set(content["labels"]) <= LABELS
    assert set(area["attributes"]["options"]) == LABELS - {"bug"}


def test_fragments_are_of_a_known_kind() -> None:
    kinds = {"risk", "added", "changed", "fixed", "removed"}
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]

    assert {path.name.split(".")[-2] for path in fragments} <= kinds
    assert {path.suffix for path in fragments} <= {".md"}


def test_locks_name_no_address_and_pin_by_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text(encoding="utf-8")
        pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]

        assert "://" not in text
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    locked = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"]]
    wanted += [name for group in groups.values() for name in group if isinstance(name, str)]
    names = {re.split(r"[\[<>=]", name)[0].lower().replace("_", "-") for name in wanted}

    assert [name for name in sorted(names) if f"\n{name}==" not in f"\n{locked}"] == []


def test_what_the_program_needs_is_part_of_what_a_developer_needs() -> None:
    runtime, everything = (
        {
            line.split(" ")[0]
            for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
            if "==" in line and not line.startswith(" ")
        }
        for name in ("runtime.lock", "dev.lock")
    )

    assert runtime < everything
    assert [line for line in runtime if line.startswith("ccxt==")]
