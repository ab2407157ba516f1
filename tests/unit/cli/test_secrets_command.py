"""`algotrader secrets`: kept, listed, removed; never shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli.main import main
from algotrader.ops.secrets import PASSPHRASE, Secrets

CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "algotrader.yaml").write_text("accounts: {main: {keys: MINE}}\n")
    (tmp_path / ".env").write_text("MINE_SECRET=in-the-file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    return tmp_path


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*arguments: str, typed: str = "", code: int = 0) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert main(["secrets", *arguments, "--json"]) == code
        out, err = capfd.readouterr()
        assert CANARY not in out + err
        return json.loads(out)

    return run


def test_a_secret_is_kept_found_replaced_and_removed(said: Any) -> None:
    assert said("set", "MINE_KEY", typed=f"{CANARY}\n")["replaced"] is False
    assert said("set", "MINE_KEY", typed=f"{CANARY}2\n")["replaced"] is True
    found = {row["name"]: row["found"] for row in said("list")}
    assert found == {
        "MINE_KEY": "secrets.enc", "MINE_PASSPHRASE": None, "MINE_SECRET": ".env:1"
    }  # fmt: skip

    said("rm", "MINE_KEY")
    assert {row["found"] for row in said("list")} == {None, ".env:1"}


@pytest.mark.parametrize(
    ("arguments", "typed", "code"),
    [
        (("set", "mine-key"), CANARY, "secrets.name"),
        (("set", "MINE_KEY"), "\n", "secrets.empty"),
        (("rm", "MINE_KEY"), "", "secrets.unknown"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    said: Any, workspace: Path, arguments: tuple[str, ...], typed: str, code: str
) -> None:
    assert said(*arguments, typed=typed, code=2)["error"]["code"] == code
    assert not (workspace / "secrets.enc").exists()


def test_another_passphrase_neither_reads_nor_overwrites(
    said: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("set", "MINE_KEY", typed=f"{CANARY}\n")
    before = (workspace / "secrets.enc").read_bytes()
    monkeypatch.setenv(PASSPHRASE, "open barley")

    assert said("list", code=2)["error"]["code"] == "secrets.not_opened"
    assert said("set", "MINE_KEY", typed="x\n", code=2)["error"]["code"] == "secrets.not_opened"
    assert (workspace / "secrets.enc").read_bytes() == before


def test_every_secret_that_the_settings_ask_for_is_listed(said: Any, workspace: Path) -> None:
    (workspace / "algotrader.yaml").write_text(
        "accounts: {main: {keys: MINE}}\n"
        "notification: {channels: {phone: {kind: telegram, chats: [1]}, "
        "office: {kind: apprise, variable: DING}}}\n"
        "api: {oidc: {issuer: 'https://a.example', client_secret: DOOR}}\n"
    )
    wanted = {row["name"] for row in said("list") if row["wanted"]}

    assert wanted == {
        "MINE_KEY", "MINE_SECRET", "MINE_PASSPHRASE", "ALGOTRADER_TELEGRAM_TOKEN", "DING", "DOOR",
    }  # fmt: skip


def test_f69_an_error_shows_no_secret_that_was_found_wherever_it_stood(
    said: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said("set", "MINE_KEY", typed=f"{CANARY}\n")
    (workspace / ".env").write_text("MINE_SECRET=another-canary\n")

    def fails(self: Secrets) -> list[str]:
        raise RuntimeError(f"{self.find('MINE_KEY')} and {self.find('MINE_SECRET')} were refused")

    monkeypatch.setattr(Secrets, "names", fails)
    assert main(["secrets", "list", "-vv"]) == 3
    told = capfd.readouterr().err
    assert "were refused" in told
    assert "canary" not in told
