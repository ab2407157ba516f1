"""Every risk rule by its code: what it does, how it is written, and one example worked by hand.

`docs/reference/risk-rules.md` is made from this table, and the tests work each example through: a
rule that is not in here, or an example that is not true, fails one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from algotrader.risk.language.vocabulary import VOCABULARY, Of
from algotrader.risk.settings import MANNERS, RiskSettings


class Phase(StrEnum):
    """When a rule is looked at, and what it then does."""

    ALWAYS = "always, whatever the settings"
    CUTS = "before an increase: a target is cut, an order denied"
    DENIES = "before an increase: denied"
    STOPS = "before any order, reductions too"
    WHILE = "while trading"
    PAUSES = "after a trade"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDoc:
    """One rule. `key` is its setting, None for what always holds."""

    code: str  # as denials, events and headroom name it
    phase: Phase
    key: str | None
    says: str
    example: str  # numbers a reader can check
    written: str | None = None  # one line of YAML under `risk:`


def _always(code: str, says: str, example: str, phase: Phase = Phase.ALWAYS) -> RuleDoc:
    return RuleDoc(code=code, phase=phase, key=None, says=says, example=example)


def _limit(phase: Phase, code: str, key: str, value: str, says: str, example: str) -> RuleDoc:
    section, _, field = key.partition(".")
    return RuleDoc(
        code=code, phase=phase, key=key, says=says, example=example,
        written=f"{section}: {{{field}: {value}}}",
    )  # fmt: skip


def _cuts(code: str, key: str, value: str, says: str, example: str) -> RuleDoc:
    return _limit(Phase.CUTS, code, key, value, says, example)


def _while(code: str, key: str, value: str, says: str, example: str) -> RuleDoc:
    return _limit(Phase.WHILE, code, key, value, says, example)


def _pause(kind: str, written: str, says: str, example: str) -> RuleDoc:
    return RuleDoc(
        code=f"protection.{kind}.1", phase=Phase.PAUSES, key="protections", says=says,
        example=example, written=f"protections: [{{kind: {kind}, {written}}}]",
    )  # fmt: skip


_HELD = "Equity 10,000, price 100: "

RULES: Final[tuple[RuleDoc, ...]] = (
    _always("instrument", "an order of an instrument that the account does not trade is denied",
            "An order of OKX:ETH/USDT on an account that trades OKX:BTC/USDT."),
    _always("halt", "halted: only protection, risk and a person may send",
            "A strategy wants to sell 5 of the 5 held: denied. Its stop-loss order goes through."),
    _always("starting", "until the venue was compared with the books nothing is sent",
            "A stop-loss order right after a start: denied, and sent once books and venue agree."),
    _always("reduce_only", "nothing is increased, and a reduce-only order needs something to "
            "reduce", "5 held and 5 on their way out: a reduce-only sale of 5 more is denied."),
    _always("unknown_order", "nothing is added to an instrument with an order that has no answer",
            "1 more is wanted while an order is unknown: denied. Selling the 5 held goes through."),
    _always("no_price", "nothing is added without a last price", "The first bar has not come yet."),
    _always("equity", "nothing is added unless equity is a number above 0",
            "Equity is 0, or not a number: denied."),
    _always("unjudged", "nothing is added while something held or on its way has no price or "
            "size", "5 ETH held without a price: buying BTC is denied too."),
    _always("listing", "nothing is added before the listing, or from expiry or delisting on",
            "The contract expired at noon; an order at noon is denied."),
    _always("kill_switch", "a person stopped an account or all of them, until a person re-arms",
            "`algotrader halt` by the owner; a buy is denied, in the next process too.",
            Phase.STOPS),
    _always("impossible_reply", "a venue said what cannot be of an instrument: it is only reduced, "
            "until a person has looked and re-arms",
            "The venue fills 6 of an order of 5: the 6 are booked, 1 more to buy is denied.",
            Phase.WHILE),
    _limit(Phase.STOPS, "stale", "instrument.max_missed_bars", "2",
           "no order on a price of which more bars in a row are missing",
           "Bars of 1 h: after the third that did not come nothing is sent, stops included."),
    _limit(Phase.STOPS, "stale", "instrument.max_quote_age", "60s",
           "no order on quotes older than this (needs prices between bars)",
           "The best quotes are 61 s old: denied."),
    _limit(Phase.DENIES, "hours", "instrument.hours", '"mon-fri 09:30-16:00"',
           "nothing is added outside these hours of the zone of `day`",
           "16:00 on a Monday is outside, 15:59 is inside; a sale goes through at any time."),
    _limit(Phase.DENIES, "price_band", "order.price_band", "3%",
           "no limit or stop further than this from the last price",
           "Last price 100: a limit of 104 is denied, 103 is not."),
    _limit(Phase.DENIES, "order.fat_finger", "order.fat_finger", "10",
           "no order this many times larger than the largest of the last 100; from 5 known on",
           "The last five orders were of 1 or 2: 20 may be bought, 21 is denied."),
    _limit(Phase.DENIES, "max_per_second", "order.max_per_second", "5",
           "no more increases once so many orders were sent within a second",
           "5 orders within the last second: the sixth is denied, a reduction is not."),
    _limit(Phase.DENIES, "max_per_minute", "order.max_per_minute", "30",
           "the same within a minute", "30 orders within the last minute: the next is denied."),
    _cuts("order.max_quantity", "order.max_quantity", "7", "the size of one order",
          _HELD + "50 wanted, 7 allowed."),
    _cuts("order.max_notional", "order.max_notional", "1_000", "the worth of one order",
          _HELD + "50 wanted; 1,000 / 100 = 10 allowed."),
    _cuts("order.max_weight", "order.max_weight", "25%", "the worth of one order, of equity",
          _HELD + "50 wanted; 2,500 / 100 = 25 allowed."),
    _cuts("order.max_volume_share", "order.max_volume_share", "5%",
          "the size of one order, of the mean volume of the last 20 bars",
          "Volumes 100 and 300, mean 200: 10 allowed. Without a bar nothing is."),
    _cuts("max_quantity", "instrument.max_quantity", "20", "the size of a position",
          _HELD + "5 held and 3 on their way leave 12 of 20."),
    _cuts("max_notional", "instrument.max_notional", "2_000", "the worth of a position",
          _HELD + "5 held and 3 on their way leave 2,000 / 100 - 8 = 12."),
    _cuts("max_weight", "instrument.max_weight", "40%", "the worth of a position, of equity",
          _HELD + "50 wanted; 4,000 / 100 = 40 allowed."),
    _limit(Phase.DENIES, "max_open_orders", "instrument.max_open_orders", "2",
           "orders of an instrument at the venue or on their way",
           "2 are open: a third that increases is denied."),
    _limit(Phase.DENIES, "max_orders_per_day", "instrument.max_orders_per_day", "3",
           "orders of an instrument sent in a day, reductions counted",
           "3 were sent today: a fourth that increases is denied, until midnight."),
    _cuts("strategy.max_gross", "strategy.max_gross", "3_000",
          "the sum of |notional| of a strategy's instruments",
          _HELD + "5 BTC and 10 ETH at 100 held by it: 1,500 left, 15 allowed."),
    _cuts("strategy.max_weight", "strategy.max_weight", "30%", "the same, of equity",
          _HELD + "30 % is 3,000; 1,500 held, 15 allowed."),
    _limit(Phase.DENIES, "strategy.max_positions", "strategy.max_positions", "1",
           "instruments a strategy holds or is about to",
           "It holds ETH: BTC is denied, more ETH is not."),
    _limit(Phase.DENIES, "strategy.max_open_orders", "strategy.max_open_orders", "2",
           "orders of a strategy at the venue or on their way", "2 are open: denied."),
    _cuts("max_leverage", "account.max_leverage", "2", "gross exposure / equity (R12)",
          _HELD + "150 held is 15,000 of 20,000: 50 more."),
    _cuts("max_gross", "account.max_gross", "3_000", "the sum of |notional| of all instruments",
          _HELD + "10 ETH at 100 held: 20 BTC."),
    _cuts("max_net", "account.max_net", "3_000",
          "|sum of signed notional|: what hedges leaves room",
          _HELD + "10 ETH at 100 short: 40 BTC may be bought, 20 sold short."),
    _cuts("max_concentration", "account.max_concentration", "30%",
          "the net worth of all instruments of one asset, of equity",
          "Equity 10,000: 10 BTC spot at 100 leave 2,000 for BTC perpetuals: 2,000 contracts of "
          "0.01 BTC."),
    _limit(Phase.DENIES, "account.max_positions", "account.max_positions", "1",
           "instruments held or about to be", "ETH is held: BTC is denied."),
    _limit(Phase.DENIES, "account.max_open_orders", "account.max_open_orders", "2",
           "orders at the venue or on their way", "2 are open: denied."),
    _limit(Phase.DENIES, "account.max_orders_per_day", "account.max_orders_per_day", "3",
           "orders sent in a day, reductions counted", "3 were sent: a fourth increase is denied."),
    _cuts("max_turnover", "account.max_turnover", "0.5",
          "notional traded in a day, in multiples of equity, open orders counted",
          _HELD + "4,000 traded today of 5,000: 10 more."),
    _cuts("min_free", "account.min_free", "10%",
          "what an increase may spend: free cash or margin less this part of equity, fee included",
          "Equity and cash 10,000: 9,000 may be spent; at 100 and a fee of 0.1 % that is 89.91 "
          "of 0.01 lots."),
    _cuts("total.max_leverage", "total.max_leverage", "1", "gross / equity of all accounts",
          "Two accounts of 10,000; 150 at 100 held on the other: 50 here."),
    _cuts("total.max_gross", "total.max_gross", "3_000", "the sum of |notional| of all accounts",
          "10 at 100 held on the other account: 20 here."),
    _cuts("total.max_net", "total.max_net", "3_000", "|sum of signed notional| of all accounts",
          "10 at 100 short on the other account: 40 here."),
    _while("account.max_daily_loss", "account.max_daily_loss", "3%",
           "loss since the day's start, unrealised included, deposits left out; a restart does "
           "not reset it. Ends with the day (`warn`, `reduce_only`), by a person (`halt`, "
           "`flatten`), or for those too at midnight with `after_daily_loss: next_day`",
           "10,000 at midnight, 9,700 now: 3 %, `on_breach` acts."),
    _while("account.max_drawdown", "account.max_drawdown", "15%",
           "fall from the peak since the last re-arming; a person ends it",
           "Peak 12,000, now 10,200: 15 %, `on_breach` acts."),
    _while("account.min_margin_ratio", "account.min_margin_ratio", "300%",
           "margin equity / maintenance margin; liquidated at 100 %",
           "10,000 contracts of 0.01 at 100 are 10,000; at 5 % maintenance is 500. Margin equity "
           "1,500 is 300 %: `on_breach` acts."),
    _while("account.min_liquidation_distance", "account.min_liquidation_distance", "10%",
           "move of all prices against their positions that would liquidate",
           "The same position: (1,500 - 500) / 10,000 = 10 %: `on_breach` acts."),
    _while("over.max_leverage", "account.max_leverage", "2",
           "prices alone carried exposure over the limit: a warning, nothing is sold",
           "150 at 100 on 10,000, then the price is 150 and equity 11,000: 22,500 / 11,000 = 2.05."),
    _while("strategy.max_daily_loss", "strategy.max_daily_loss", "3%",
           "the same for a strategy's part of an account", "5,000 at midnight, 4,850 now: 3 %."),
    _while("strategy.max_drawdown", "strategy.max_drawdown", "10%",
           "the same for a strategy's part of an account", "Peak 5,000, now 4,500: 10 %."),
    _while("total.max_daily_loss", "total.max_daily_loss", "3%",
           "the same for all accounts together; acts on every one",
           "20,000 at midnight, 19,400 now on two accounts: 3 %."),
    _while("total.max_drawdown", "total.max_drawdown", "10%",
           "the same for all accounts together; acts on every one",
           "Peak 20,000, now 18,000 on two accounts: 10 %."),
    _while("execution.max_reject_rate", "execution.max_reject_rate", "50%",
           "share of the last 20 orders that the venue refused, from 10 on",
           "5 of the first 10 refused: nothing is increased for `pause`, 1 h."),
    _while("execution.max_slippage", "execution.max_slippage", "50bps",
           "mean of the last 20 fills against the last price at the decision, from 10 on",
           "10 buys at 100.50 decided at 100: 50 bps, nothing is increased for `pause`."),
    RuleDoc(code="rule.calm", phase=Phase.WHILE, key="rules",
            says="a condition of your own; see the rule language",
            example="Volatility doubles: targets are halved while it lasts and three bars more.",
            written='rules: [{name: calm, when: "volatility(2) > 2 * volatility(4)", '
            "then: {scale: 0.5}}]"),
    _pause("cooldown", "pause: 4h", "a pause after a trade that ended by a stop (`after: loss`, "
           "`after: exit`)", "Stopped out at noon: nothing of that instrument until 16:00."),
    _pause("stop_guard", "stops: 2, within: 1d, pause: 12h",
           "a pause after several stops in a short time",
           "Stops at 10:00 and 12:00: nothing on the account until midnight."),
    _pause("low_profit", "trades: 2, within: 1d, min_profit: 0%, pause: 6h",
           "a pause of what earned too little lately",
           "Trades of -3 % and +1 % are -2 % in sum, under 0 %: paused for 6 h."),
    _pause("losing_streak", "losses: 3, pause: 1d", "a pause after several losses in a row",
           "Three losses, the last at noon: nothing until noon tomorrow."),
    _pause("max_drawdown", "trades: 2, within: 2d, drawdown: 5%, pause: 1d",
           "a pause after the profit of recent trades fell too far from its peak",
           "10,000 before; +1,000, then -600: 600 / 11,000 = 5.45 %: paused for a day."),
)  # fmt: skip


def codes() -> frozenset[str]:
    """Every code that a denial, an event or headroom can carry."""
    return frozenset(rule.code for rule in RULES)


def keys() -> Iterator[str]:
    """Every setting that limits something, as `RiskSettings` has them."""
    for name in ("account", "strategy", "total", "instrument", "order", "execution"):
        section = getattr(RiskSettings(), name)
        fields = type(section).model_fields
        yield from (f"{name}.{key}" for key in fields if key not in MANNERS)
    yield from ("protections", "rules")


def rules_table() -> str:
    """The rules in Markdown, one heading for each phase."""
    parts = []
    for phase in Phase:
        rows = [rule for rule in RULES if rule.phase is phase]
        head = f"## {phase.value[:1].upper()}{phase.value[1:]}"
        table = "| code | setting | what | example |\n|---|---|---|---|\n" + "\n".join(
            f"| `{rule.code}` | {_written(rule)} | {_cell(rule.says)} | {_cell(rule.example)} |"
            for rule in rows
        )
        parts.append(f"{head}\n\n{table}\n")
    return "\n".join(parts)


def words_table() -> str:
    """The names of the rule language in Markdown."""
    head = "| name | of | is | what |\n|---|---|---|---|\n"
    rows = []
    for name, word in VOCABULARY.items():
        shown = (
            f"{name}({'level' if word.argument == 'level' else 'bars'})" if word.argument else name
        )
        live = " (live only)" if word.live_only else ""
        whose = "account" if word.of is Of.ACCOUNT else "instrument"
        rows.append(f"| `{shown}` | {whose} | {word.kind} | {_cell(word.meaning)}{live} |")
    return head + "\n".join(rows) + "\n"


def _written(rule: RuleDoc) -> str:
    return "–" if rule.written is None else f"`{_cell(rule.written)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
