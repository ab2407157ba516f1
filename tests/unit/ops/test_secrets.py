"""Secrets by name: which place wins, and that nothing says what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from algotrader.core.errors import ConfigurationError, VersionError
from algotrader.ops.config import load
from algotrader.ops.dotenv import read_dotenv
from algotrader.ops.okx_access import okx_keys
from algotrader.ops.secrets import PASSPHRASE, Secrets, secrets_of, without_asking
from algotrader.ops.vault import open_vault, save_vault

CANARY = "canary-7f3a"


def secrets(folder: Path, dotenv: str = "", **environment: str) -> Secrets:
    (folder / "algotrader.yaml").write_text("")
    (folder / ".env").write_text(dotenv)
    loaded = load(folder / "algotrader.yaml", environment=environment)
    return secrets_of(loaded, environment)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = secrets(tmp_path, "A=file\nB=file\n", A="exported", C="")

    assert (found.find("A"), found.place("A")) == ("exported", "the environment")
    assert (found.find("B"), found.place("B")) == ("file", ".env:2")
    assert (found.find("C"), found.place("C")) == (None, None)


def test_f68_what_is_missing_is_named_and_what_is_there_is_not_shown(tmp_path: Path) -> None:
    found = secrets(tmp_path, f"ALGOTRADER_OKX_KEY={CANARY}\nALGOTRADER_OKX_SECRET=\n")
    with pytest.raises(ConfigurationError) as caught:
        okx_keys(found, "ALGOTRADER_OKX")

    assert "ALGOTRADER_OKX_SECRET, ALGOTRADER_OKX_PASSPHRASE" in caught.value.message
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"


def test_f69_secrets_have_no_text(tmp_path: Path) -> None:
    found = secrets(tmp_path, f"A_KEY={CANARY}\nA_SECRET={CANARY}\nA_PASSPHRASE={CANARY}\n")

    assert okx_keys(found, "A").key == CANARY
    dotenv = read_dotenv(tmp_path)
    assert dotenv["A_KEY"].value == CANARY
    assert CANARY not in f"{found!r} {dotenv!r} {okx_keys(found, 'A')!r}"


def sealed(folder: Path, **held: str) -> None:
    save_vault(folder / "secrets.enc", "open sesame", held)


def test_the_encrypted_file_is_asked_last(tmp_path: Path) -> None:
    sealed(tmp_path, A="sealed", B="sealed")
    found = secrets(tmp_path, "A=file\n", **{PASSPHRASE: "open sesame"})

    assert (found.find("A"), found.place("A")) == ("file", ".env:1")
    assert (found.find("B"), found.place("B")) == ("sealed", "secrets.enc")
    assert found.names() == ["A", "B"]


def test_nothing_of_the_encrypted_file_can_be_read_without_its_passphrase(tmp_path: Path) -> None:
    sealed(tmp_path, ALGOTRADER_OKX_KEY=CANARY)
    data = (tmp_path / "secrets.enc").read_bytes()

    assert b"ALGOTRADER_OKX" not in data
    assert CANARY.encode() not in data
    assert (tmp_path / "secrets.enc").stat().st_mode & 0o777 == 0o600
    for wrong, code in (("open barley", "secrets.not_opened"), ("", "secrets.passphrase")):
        with pytest.raises(ConfigurationError) as caught:
            secrets(tmp_path, **{PASSPHRASE: wrong}).find("ALGOTRADER_OKX_KEY")
        assert caught.value.code == code


def test_two_files_of_the_same_secrets_have_nothing_in_common(tmp_path: Path) -> None:
    sealed(tmp_path, A="a")
    first = json.loads((tmp_path / "secrets.enc").read_bytes())
    sealed(tmp_path, A="a")
    second = json.loads((tmp_path / "secrets.enc").read_bytes())

    assert first["sealed"] != second["sealed"]
    assert first["header"]["salt"] != second["header"]["salt"]
    assert first["header"]["nonce"] != second["header"]["nonce"]


@pytest.mark.parametrize("part", ["sealed", "salt", "nonce", "cost", "format"])
def test_a_file_that_was_altered_does_not_open(tmp_path: Path, part: str) -> None:
    sealed(tmp_path, A="a")
    file = tmp_path / "secrets.enc"
    held = json.loads(file.read_bytes())
    place = held if part == "sealed" else held["header"]
    old = place[part]
    place[part] = old * 2 if isinstance(old, int) else ("B" if old[0] == "A" else "A") + old[1:]
    file.write_text(json.dumps(held))

    with pytest.raises((ConfigurationError, VersionError)) as caught:
        open_vault(file, "open sesame")
    assert caught.value.code == ("secrets.format" if part == "format" else "secrets.not_opened")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"header": 1, "sealed": "x"}'])
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.enc").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        open_vault(tmp_path / "secrets.enc", "open sesame")

    assert caught.value.code == "secrets.damaged"


def test_a_key_file_opens_it_and_must_be_closed_to_others(tmp_path: Path) -> None:
    sealed(tmp_path, A="sealed")
    (tmp_path / "key").write_text("open sesame\n")
    (tmp_path / "key").chmod(0o600)
    environment = {"ALGOTRADER__SECRETS__KEY_FILE": "key"}
    assert secrets(tmp_path, **environment).find("A") == "sealed"

    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"may be read by others \(mode 640\)"):
        secrets(tmp_path, **environment).find("A")
    (tmp_path / "key").unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        secrets(tmp_path, **environment).find("A")


def test_a_running_trader_never_waits_for_a_passphrase_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(tmp_path, A="sealed")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: "open sesame")

    with without_asking(), pytest.raises(ConfigurationError) as caught:
        secrets(tmp_path).find("A")
    assert caught.value.code == "secrets.passphrase"
    assert secrets(tmp_path).find("A") == "sealed"
