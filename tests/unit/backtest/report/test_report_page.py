"""What must hold of the file itself: one file, no request, safe, small, in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest
from tests.builders.report_data import a_run

from algotrader.backtest.report import figures, headline, render_run, write_report
from algotrader.backtest.report.model import CostFacts, ReportData, VerdictKind
from algotrader.backtest.report.page import script_json
from algotrader.backtest.report.words import catalogue
from algotrader.core.errors import RunError

ASSETS = resources.files("algotrader.backtest.report") / "assets"
NASTY = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
THIN = "\N{NARROW NO-BREAK SPACE}"


@lru_cache
def page() -> str:
    return render_run(a_run())


class Text(HTMLParser):
    """What a reader sees without scripts, in one language."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self.lang, self.hidden, self.parts, self.tags = lang, 0, [], []
        self.stack: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"meta", "input", "br", "path", "line", "rect", "circle"}:
            return
        other = dict(attrs).get("lang") not in (None, self.lang) and tag != "html"
        self.stack.append(other or tag in {"script", "style"})
        self.hidden += self.stack[-1]

    def handle_endtag(self, tag: str) -> None:
        if self.stack and tag not in {"path", "line", "rect", "circle"}:
            self.hidden -= self.stack.pop()

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def read(html: str, lang: str = "en") -> str:
    parser = Text(lang)
    parser.feed(html)
    return re.sub(r"[ \n]+", " ", "".join(parser.parts))


def test_five_years_of_hourly_bars_make_a_file_below_400_kb() -> None:
    html = render_run(a_run(bars=43_800, hours=1, holding=24))

    assert len(html.encode()) < 400_000


def test_a_run_of_many_trades_stays_below_500_kb() -> None:
    html = render_run(a_run(bars=43_800, hours=1, holding=3))

    assert len(html.encode()) < 500_000


def test_the_file_names_no_address_and_its_policy_forbids_requests() -> None:
    base64 = r'"b":"[\w+/=]*"|sha256-[\w+/=]*'  # which may hold two slashes
    without_columns = re.sub(base64, "", page())

    assert not re.search(r"https?:|//[a-z]|@import|url\(", without_columns)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page())
    assert policy is not None
    assert policy.group(1).startswith("default-src 'none'")
    assert "unsafe-inline' 'unsafe-eval" not in policy.group(1)
    assert "script-src 'sha256-" in policy.group(1)


def test_f79_a_strategy_named_like_markup_is_shown_as_text() -> None:
    html = render_run(_named(NASTY))

    assert "<img src=x" not in html
    assert html.count("<script") == 3  # settings, data, program
    assert html.count("</script>") == 3
    assert NASTY in read(html)


def test_data_in_the_script_cannot_end_the_script() -> None:
    text = script_json({"name": "</script><!--\u2028"})

    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": "</script><!--\u2028"}


def test_a_nan_never_reaches_the_data() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        script_json({"value": float("nan")})


def test_data_for_machines_stands_in_the_page() -> None:
    found = re.search(r"const D = (\{.*?\});</script>", page())

    assert found is not None
    data = json.loads(found.group(1))
    assert data["kind"] == "run"
    assert data["metrics"]["trades"] == len(a_run().trades)
    assert {"equity", "prices", "trades", "id", "verdict"} <= data.keys()


@pytest.mark.parametrize(
    ("lang", "sentences"),
    [
        ("en", ["That is not yet evidence of skill.", f"99.94{THIN}%", "Not distinguishable from"]),
        ("zh", ["但尚不足以证明策略有效。", "99.94%", "与运气无法区分。"]),
    ],
)
def test_verdict_checks_figures_and_warnings_read_without_scripts(
    lang: str, sentences: list[str]
) -> None:
    text = read(page(), lang)

    for sentence in [*sentences, "0.97", "DSR 0.42", "algotrader rerun 7f3a19c2"]:
        assert sentence in text


def test_every_word_is_written_in_both_languages_with_the_same_values() -> None:
    for key, texts in catalogue().items():
        en, zh = texts["en"], texts["zh"]
        assert en.strip(), key
        assert zh.strip(), key
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in (en, zh)]
        assert places[0] == places[1], key
        assert "!" not in en + zh, key
        assert "您" not in zh, key
        assert not re.search(r"\d %", zh), key


def test_pages_and_scripts_use_only_words_that_exist() -> None:
    scripts = "\n".join(f.read_text() for f in (ASSETS / "js").iterdir())
    package = Path(str(ASSETS)).parent
    sources = "\n".join(f.read_text() for f in package.glob("*.py"))
    keys = set(catalogue())
    for name in re.findall(r'\bt\("([\w.]+\w)"', scripts):
        assert f"js.{name}" in keys, name
    for name in re.findall(r'\bsay\("([\w.]+)"', sources):
        assert name in keys, name


def test_no_colour_stands_outside_the_tokens() -> None:
    style = (ASSETS / "report.css").read_text()
    scripts = "\n".join(f.read_text() for f in (ASSETS / "js").iterdir())
    package = Path(str(ASSETS)).parent
    drawings = "\n".join(f.read_text() for f in package.glob("*.py"))
    colour = re.compile(
        r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(|:\s*(white|black|red|green)\b"
    )

    assert not colour.search(style)
    assert not colour.search(scripts)
    assert not colour.search(drawings)
    declared = set(re.findall(r"--([\w-]+):", (ASSETS / "tokens.css").read_text()))
    used = set(re.findall(r"var\(--([\w-]+)", style + drawings + scripts))
    assert used - declared <= {"m", "n", "w"}  # set in place: strength, count, width


def test_there_is_one_h1_and_headings_are_in_order() -> None:
    parser = Text("en")
    parser.feed(page())
    levels = [int(tag[1]) for tag, _ in parser.tags if re.fullmatch("h[1-6]", tag)]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in parser.tags}


def test_every_link_inside_the_page_has_its_target() -> None:
    ids = re.findall(r'\bid="([^"]+)"', page())

    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page())) <= set(ids)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            a_run(costs=CostFacts(paid_bps=0.0, zero_fees=True, zero_slippage=True)),
            "No costs charged",
        ),
        (a_run(costs=CostFacts(paid_bps=2.0, zero_fees=True)), "No fees charged"),
        (a_run(costs=CostFacts(paid_bps=5.0, zero_slippage=True)), "No slippage charged"),
        (a_run(generated=True), "Generated prices, not a market"),
        (a_run(), f"Funding assumed for 22.6{THIN}% of settlements"),
        (a_run(), "No evidence of skill yet"),
    ],
)
def test_what_must_not_be_missed_stands_in_amber_before_the_checks(
    data: ReportData, said: str
) -> None:
    html = render_run(data)
    first_screen = html[html.index('class="alarms"') : html.index('class="checks ')]

    assert said in read(first_screen)


def test_coverage_below_the_bar_is_said_and_never_rounded_up() -> None:
    data = a_run()
    bars = replace(data.coverage[0], ratio=0.99499)
    text = read(render_run(replace(data, coverage=(bars,))))

    assert f"Only 99.49{THIN}% of bars present" in text


def _named(name: str) -> ReportData:
    return a_run(strategy=name)


@pytest.mark.parametrize(
    ("total", "kind", "trades", "zero", "sentence"),
    [
        (0.505, VerdictKind.NO_EVIDENCE_YET, 9, "",
         f"Made +50.5{THIN}% after costs in two years. That is not yet evidence of skill."),
        (0.505, VerdictKind.EVIDENCE, 9, "fees",
         f"Made +50.5{THIN}% with no fees charged in two years. There is evidence of skill."),
        (-0.505, VerdictKind.EVIDENCE_AGAINST, 9, "slippage",
         f"Lost 50.5{THIN}% with no slippage charged in two years. The evidence is against it."),
        (0.505, VerdictKind.EVIDENCE, 9, "fees and slippage",
         f"Made +50.5{THIN}% with no costs charged in two years. There is evidence of skill."),
        (-0.123, VerdictKind.NO_EVIDENCE_YET, 9, "",
         f"Lost 12.3{THIN}% after costs in two years. There is no evidence of skill."),
        (0.0, VerdictKind.NOT_JUDGED, 0, "",
         "No trade was made in two years. There is nothing to judge."),
    ],
)  # fmt: skip
def test_the_headline_says_what_was_made_and_what_that_proves(
    total: float, kind: VerdictKind, trades: int, zero: str, sentence: str
) -> None:
    costs = CostFacts(paid_bps=None, zero_fees="fees" in zero, zero_slippage="slippage" in zero)
    phrase = headline.made(
        total_return=total, span_ms=731 * 86_400_000, kind=kind, trades=trades, costs=costs
    )

    assert phrase.text("en") == sentence
    assert phrase.text("zh").endswith("。")


def test_the_headline_is_written_in_chinese_not_translated() -> None:
    phrase = headline.made(
        total_return=0.505,
        span_ms=731 * 86_400_000,
        kind=VerdictKind.NO_EVIDENCE_YET,
        trades=413,
        costs=CostFacts(paid_bps=12.0),
    )

    assert phrase.text("zh") == "两年扣除成本后收益 +50.5%，但尚不足以证明策略有效。"


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.html"
    write_report(target, "first")
    write_report(target, "second")

    assert target.read_text() == "second"
    assert [f.name for f in target.parent.iterdir()] == ["report.html"]
    with pytest.raises(RunError, match="could not be written"):
        write_report(target / "inside-a-file.html", "third")


def test_a_metric_that_is_not_a_number_is_refused_by_name() -> None:
    data = a_run()

    with pytest.raises(ValueError, match="sharpe is nan"):
        replace(data, metrics={**data.metrics, "sharpe": float("nan")})


def test_an_absent_metric_is_a_dash_with_its_reason() -> None:
    data = a_run()
    without = replace(
        data,
        metrics={**data.metrics, "profit_factor": None},
        reasons={"profit_factor": "no_losers"},
    )

    assert f'data-reason="no_losers">{figures.ABSENT}' in render_run(without)
