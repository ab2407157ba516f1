"""algotrader.yaml: what is refused, and where each value came from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from algotrader.core.errors import ConfigurationError
from algotrader.ops.config import COMMAND_LINE, Configuration, field_of, keys, load


def written(folder: Path, text: str) -> Path:
    file = folder / "algotrader.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, text: str, **environment: str) -> Configuration:
    return load(written(folder, text), environment=environment)


def refusal(folder: Path, text: str, **environment: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, text, **environment)
    return caught.value


TWO_RULES = """risk:
  rules:
    - {name: a, when: b, then: warn}
    - {name: a, when: b, then: x}
"""


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("backtest:\n  chash: 5\n", 2, "backtest.chash is no setting"),
        ("backtest:\n  cash: much\n", 2, "'much' is not a number"),
        ("backtest:\n  cash: -1\n", 2, "backtest.cash: input should be greater than 0"),
        ("\nbacktest:\n\n  cash: [1]\n", 4, "backtest.cash"),
        ("backtest:\n  path: wurst\n", 2, "backtest.path: input should be 'worst'"),
        ("backtest:\n  timeframe: 7q\n", 2, "backtest.timeframe"),
        ("backtest: 5\n", 1, "backtest"),
        ("backtets:\n  cash: 5\n", 1, "backtets is no setting"),
        ("backtest:\n  cash: 1\n  cash: 2\n", 3, "backtest.cash stands already in line 2"),
        ("backtest: {cash: 1\n", 2, "is not YAML"),
        ("- 1\n", 1, "must hold sections"),
        ("backtest:\n  cash: 2026-13-45\n", 1, "cannot be read"),
        ("risk:\n  day: Mars\n", 2, "'Mars' is no time zone"),
        ("risk:\n  instrument: {max_weight: 2000%}\n", 2, "risk.instrument.max_weight"),
        (TWO_RULES, 4, "risk.rules.1.then: use warn"),
        ("risk:\n  rules:\n    - {name: a, then: warn}\n", 3, "risk.rules.0.when is missing"),
    ],
)
def test_f62_a_wrong_setting_is_refused_with_line_and_key(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    message = refusal(tmp_path, text).message

    assert f"algotrader.yaml:{line}: " in message
    assert says in message


def test_f62_an_unknown_key_suggests_the_near_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, "backtest:\n  chash: 5\n").hint == "did you mean backtest.cash?"


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "backtest:\n  chash: 5\n  path: x\n").message

    assert ":2: backtest.chash" in message
    assert ":3: backtest.path" in message


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file") as caught:
        load(tmp_path / "nothing.yaml", environment={})
    assert caught.value.hint == "algotrader init DIR makes one"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load(tmp_path / "algotrader.yaml", environment={})


def test_promise_28_later_sources_win_and_say_so(tmp_path: Path) -> None:
    file = written(tmp_path, "backtest:\n  cash: 1\n  seed: 1\n  fees: 1bps\n")
    configuration = load(
        file,
        environment={"ALGOTRADER__BACKTEST__CASH": "2", "ALGOTRADER__BACKTEST__SEED": "2"},
        overrides={"backtest.cash": 3},
    )

    assert configuration.settings.backtest.cash == 3
    assert configuration.settings.backtest.seed == 2
    assert configuration.settings.backtest.fees == "1bps"
    assert configuration.origins["backtest.cash"] == COMMAND_LINE
    assert configuration.origins["backtest.seed"] == "environment ALGOTRADER__BACKTEST__SEED"
    assert configuration.origins["backtest.fees"].endswith("algotrader.yaml:4")
    assert "backtest.path" not in configuration.origins


def test_an_unknown_variable_is_refused_by_name(tmp_path: Path) -> None:
    message = refusal(tmp_path, "", ALGOTRADER__BACKTEST__CHASH="1").message

    assert message.startswith("ALGOTRADER__BACKTEST__CHASH: ")


def test_a_wrong_value_of_a_variable_names_the_variable(tmp_path: Path) -> None:
    message = refusal(tmp_path, "", ALGOTRADER__BACKTEST__CASH="much").message

    assert message.startswith("environment ALGOTRADER__BACKTEST__CASH: backtest.cash")
    assert "cannot be read" in refusal(tmp_path, "", ALGOTRADER__BACKTEST__CASH="[").message


def test_other_variables_of_the_program_are_left_alone(tmp_path: Path) -> None:
    assert loaded(tmp_path, "", ALGOTRADER_TEST_DATA="somewhere").origins == {}


def test_the_nearest_file_above_is_found_and_its_folder_is_the_workspace(tmp_path: Path) -> None:
    written(tmp_path, "workspace:\n  lake: bars\n")
    inner = tmp_path / "strategies" / "deep"
    inner.mkdir(parents=True)
    configuration = load(environment={}, start=inner)

    assert configuration.path(configuration.settings.workspace.lake) == tmp_path / "bars"


def test_without_a_file_defaults_hold(tmp_path: Path) -> None:
    configuration = load(environment={}, start=tmp_path)

    assert configuration.file is None
    assert configuration.settings.backtest.cash == 10_000


def test_percent_and_underscores_are_read_exactly(tmp_path: Path) -> None:
    text = "risk:\n  account: {max_daily_loss: 3%}\n  order: {max_notional: 50_000}\n"
    risk = loaded(tmp_path, text).settings.risk

    assert risk.account.max_daily_loss == Decimal("0.03")
    assert risk.order.max_notional == 50_000


def test_the_fast_driver_says_what_it_cannot_hold(tmp_path: Path) -> None:
    text = """
risk:
  account: {max_leverage: 2, max_daily_loss: 3%, on_breach: flatten}
  instrument: {max_weight: 40%, max_notional: 50_000, max_quantity: 100}
  order: {price_band: 3%}
  rules:
    - {name: calm down, when: "volatility(20) > 2", then: {scale: 0.5}}
"""
    assert loaded(tmp_path, text).settings.risk.beyond_fast_driver() == (
        "risk.account.max_daily_loss",
        "risk.instrument.max_quantity",
        "risk.order.price_band",
        "risk.rules",
    )


@pytest.mark.parametrize("key", list(keys()))
def test_every_setting_is_explained(key: str) -> None:
    assert len(field_of(key)[1]) > 5


def test_a_number_where_a_section_belongs_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "backtest: 5\n", ALGOTRADER__BACKTEST__CASH="1").message

    assert "backtest is no section" in message


CANARY = "canary-7f3a"
UUID_KEY = "0b5c9b4e-1d2f-4a6b-8c3d-9e0f1a2b3c4d"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"accounts:\n  main:\n    secret: {CANARY}\n", 3),
        (f"accounts:\n  main: {{api-key: {CANARY}}}\n", 2),
        (f"token: {CANARY}\n", 1),
        (f"accounts:\n  main:\n    keys: {UUID_KEY}\n", 3),
        (f"trading:\n  url: {'AB' * 16}\n", 2),
    ],
)
def test_f68_a_secret_in_the_file_is_refused_by_its_line_alone(
    tmp_path: Path, text: str, line: int
) -> None:
    error = refusal(tmp_path, text)

    assert error.code == "config.secret"
    assert f"algotrader.yaml:{line}: " in error.message
    assert "secrets set" in (error.hint or "")
    said = f"{error.message} {error.hint}"
    assert all(value not in said for value in (CANARY, UUID_KEY, "ABAB"))


def test_f68_a_value_in_place_of_a_secrets_name_is_not_repeated(tmp_path: Path) -> None:
    error = refusal(tmp_path, f"accounts:\n  main: {{keys: {CANARY}}}\n")

    assert "accounts.main.keys: string should match pattern" in error.message
    assert CANARY not in error.message


@pytest.mark.parametrize(
    ("section", "known"),
    [("accounts", "accounts: {main: {}}"),
     ("strategies", "strategies: {main: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}")],
)  # fmt: skip
def test_f62_a_limit_for_a_name_that_nobody_has_is_refused_with_its_line(
    tmp_path: Path, section: str, known: str
) -> None:
    text = f"{known}\nrisk:\n  {section}:\n    mian: {{max_positions: 2}}\n"
    error = refusal(tmp_path, text)

    assert error.message.startswith(f"{tmp_path / 'algotrader.yaml'}:4: risk.{section}.mian")
    assert (error.hint or "").startswith("did you mean main?")
    loaded(tmp_path, text.replace("mian", "main"))


def test_f62_a_day_that_there_is_not_in_a_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, "", ALGOTRADER__TRADING__START="2024-02-30")

    assert error.message == "ALGOTRADER__TRADING__START cannot be read as YAML"


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: " + "[" * 3_000], ids=["itself", "deep"])
def test_f62_a_file_without_an_end_is_refused(tmp_path: Path, text: str) -> None:
    assert "is nested too deep" in refusal(tmp_path, text).message


@pytest.mark.parametrize("symbol", ["US:BRK.B", "US:AAPL 2026-12-18 C 200.5", "FILE:btc.1h"])
def test_a_symbol_with_a_dot_is_one_name_in_a_key(tmp_path: Path, symbol: str) -> None:
    found = loaded(tmp_path, f"risk: {{instruments: {{'{symbol}': {{max_notional: 1_000}}}}}}\n")
    key = f"risk.instruments.{symbol}.max_notional"

    assert found.value(key) == 1_000
    assert key in found.named_keys()
    assert field_of(key)[1] == "account currency"


@pytest.mark.parametrize(
    "text",
    [
        "risk: {order: {max_per_second: 9, max_per_minute: 3}}\n",
        "accounts: {Main: {cash: 5}}\n",
        "trading: {mode: live, url: 'https://okx.com.evil.io'}\n",
        "strategies:\n",
    ],
)
def test_a_hint_leads_to_what_there_is(tmp_path: Path, text: str) -> None:
    error = refusal(tmp_path, text)

    assert error.hint == "algotrader config show lists every setting"
    assert "(it is {" not in error.message


@pytest.mark.parametrize("key", ["trading.url", "collect.url"])
@pytest.mark.parametrize(
    "url", ["127.0.0.1:9443", "localhost:9443", "http://a:99999", "ftp://a", ""]
)
def test_an_address_that_is_none_is_refused_with_its_line(
    tmp_path: Path, key: str, url: str
) -> None:
    section, name = key.split(".")
    error = refusal(tmp_path, f"\n{section}: {{{name}: '{url}'}}\n")

    assert f"algotrader.yaml:2: {key}: is no address" in error.message
