"""Secrets do not leave through what is written for people (F69)."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader.ops.observing.redaction import HIDDEN, Redactor

CANARY = 'canary-7f3a/+"ü'


@pytest.mark.parametrize(
    "text",
    [CANARY, f"key {CANARY}.", json.dumps({"a": CANARY}), json.dumps(CANARY, ensure_ascii=False),
     f"https://x/?a={quote(CANARY, safe='')}", f"https://x/{quote(CANARY)}", repr(CANARY),
     f"{CANARY}{CANARY}"],
)  # fmt: skip
def test_f69_a_known_secret_is_hidden_however_it_is_spelled(text: str) -> None:
    assert "canary" not in Redactor([CANARY]).text(text)


def test_f69_a_secret_of_several_lines_is_hidden_line_by_line() -> None:
    hides = Redactor(["-----BEGIN KEY-----\ncanary-one\ncanary-two\n-----END KEY-----"])

    assert [hides.text(line) for line in ("canary-one", "is canary-two")] == [
        HIDDEN,
        f"is {HIDDEN}",
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("POST https://api.telegram.org/bot123456789:AAE-abcdefghijklmnopqrstuvwxyz012/send",
         f"POST https://api.telegram.org/{HIDDEN}/send"),
        ("token 123456789:AAE-abcdefghijklmnopqrstuvwxyz012", f"token {HIDDEN}"),
        ("apiKey=abc123&instId=BTC", f"apiKey={HIDDEN}&instId=BTC"),
        ('{"passphrase": "abc def"}', f'{{"passphrase": "{HIDDEN} def"}}'),
        ('{\\"sign\\":\\"Zm9v=\\",\\"op\\":1}', f'{{\\"sign\\":\\"{HIDDEN}\\",\\"op\\":1}}'),
        ("OK-ACCESS-SIGN: Zm9vYmFy", f"OK-ACCESS-SIGN: {HIDDEN}"),
        ("OK-ACCESS-PASSPHRASE: hunter2", f"OK-ACCESS-PASSPHRASE: {HIDDEN}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {HIDDEN}"),
        ("bearer abc.def-123", f"bearer {HIDDEN}"),
        ("postgresql://me:hunter2@db/x", f"postgresql://{HIDDEN}@db/x"),
        ("tgram://123:abc/42 and more", f"tgram://{HIDDEN} and more"),
        ("dingtalk://tokenabc/13800000000", f"dingtalk://{HIDDEN}"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_hidden_and_the_rest_is_left(text: str, left: str) -> None:
    assert Redactor().text(text) == left


@pytest.mark.parametrize(
    "text",
    ["order ataaaabbbbccccdddd accepted at 100.5", "OKX:BTC/USDT:USDT closed 60000",
     "http://127.0.0.1:9443/api/v5/public/time", "the token bucket is empty",
     "sell 0.1 BTC, signal 0.5", "2026-11-21T19:00:00Z", "rule key_levels tripped",
     "wss://ws.okx.com:8443/ws/v5/private"],
)  # fmt: skip
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert Redactor(["hunter2!"]).text(text) == text


def test_a_setting_that_changed_is_named_and_only_a_secret_one_hides_its_values() -> None:
    changes = [
        {"key": "risk.account.max_leverage", "before": "2", "after": "1"},
        {"key": "instruments.OKX:BTC/USDT.max_weight", "value": "30%"},
        {"key": "metrics.token", "before": "old-word", "after": None, "refused": "no"},
    ]

    assert Redactor().value(changes) == [
        changes[0], changes[1],
        {"key": "metrics.token", "before": HIDDEN, "after": HIDDEN, "refused": "no"},
    ]  # fmt: skip
    for other in ({"key": CANARY, "value": "1"}, {"key": "abc"}, {"key": "risk.x", "by": "me"}):
        assert Redactor().value(other)["key"] == HIDDEN


def test_a_value_keeps_its_shape_and_loses_its_secrets() -> None:
    redactor = Redactor([CANARY])

    assert redactor.value(
        {"price": 1.5, "why": ["x", CANARY], "api_key": "abc", "inner": {"secret": 5, "n": None}}
    ) == {
        "price": 1.5,
        "why": ["x", HIDDEN],
        "api_key": HIDDEN,
        "inner": {"secret": HIDDEN, "n": None},
    }


def test_variables_whose_names_say_secret_are_known() -> None:
    redactor = Redactor.of_environment(
        {"ALGOTRADER_OKX_SECRET": "first-1", "BOT_TOKEN": "second-2", "HOME": "not-hidden"}
    )
    redactor.learn(["third-3"])

    assert (
        redactor.text("first-1 second-2 third-3 not-hidden")
        == f"{HIDDEN} {HIDDEN} {HIDDEN} not-hidden"
    )


def test_a_value_too_short_to_be_a_secret_hides_nothing() -> None:
    assert Redactor(["BTC", ""]).text("BTC/USDT") == "BTC/USDT"


@given(st.text(min_size=6), st.text(max_size=20), st.text(max_size=20))
def test_no_known_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    shown = redactor.text(json.dumps({"said": before + secret + after}))

    # What is left may hold it only by chance: made of the mark itself.
    assert json.dumps(secret)[1:-1] not in shown.replace(HIDDEN, "\0")


@pytest.mark.parametrize(
    "piece", ["x", "x.", "a-", "secret ", "token=", "://", "1", "b:", "bot1", '\\"']
)
def test_a_text_without_end_is_cut_and_takes_no_time(piece: str) -> None:
    shown = Redactor(["hunter2!"]).text(piece * 1_000_000)

    assert len(shown) < 16_100
    assert shown.endswith(" characters)")


def test_a_secret_that_the_cut_goes_through_is_not_half_shown() -> None:
    redactor = Redactor(["canary-" + "7" * 500])
    for start in range(15_400, 16_100, 50):
        assert "canary" not in redactor.text("." * start + "canary-" + "7" * 500 + "." * 500)
