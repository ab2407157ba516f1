"""What a person may ask by messenger, and the answers: the same as on the command line.

Reading runs the command itself in a process of its own, so that a look at a long journal takes
nothing from trading. What changes trading is a request in the trader's inbox, the file that
`algotrader halt` leaves: it needs no database. A halt is done at once; what lets trading go on or
sells everything is asked back first.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.units import ABSENT, format_money, format_percent, format_step
from algotrader.live.operator import Inbox, Request
from algotrader.ops.asking import readable
from algotrader.ops.notification.equity import Day, days_of, profit_since
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.texts import Texts
from algotrader.ops.notification.words import plain

log = logging.getLogger(__name__)

CONFIRM_S: Final = 60.0
_DAYS: Final = 14  # of /daily
_SPANS: Final = {"day": 1, "week": 7, "month": 30}
Change = Literal["halt", "resume", "flatten"]
Read = Callable[..., Awaitable[Any]]
"""Runs a command of the command line with `--json`: UnreadError says why it did not work."""


class UnreadError(Exception):
    """A command of ours ended with an error; the text is its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered. `buttons` are labels with what pressing them sends."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    who: str
    change: Change
    accounts: tuple[str, ...]
    reason: str
    until_s: float  # of the monotonic clock


@dataclass(slots=True, kw_only=True)
class Commands:
    """Answers people who were let in. One per workspace."""

    accounts: tuple[str, ...]
    inbox: Inbox
    outbox: Outbox
    read: Read
    texts: Texts
    clock: Clock
    _asked: dict[str, _Question] = field(default_factory=dict, init=False)

    async def answer(self, text: str, who: str) -> Reply:
        """The answer to a command; `who` is kept in the journal with what it changes."""
        word, *rest = text.split() or [""]
        name = _name(word)
        match name:
            case "halt" | "resume" | "flatten":
                return self._change(name, rest, who)
            case "help" | "start":
                return Reply(text=self.texts.say("help"))
            case "status" | "positions" | "orders" | "profit" | "daily" | "balance":
                return await self._looked(name)
            case _:
                return Reply(text=self.texts.say("not_understood", word=word))

    def halts(self, text: str) -> bool:
        """Whether a command stops trading: neither its age nor a clock of ours that is wrong is a
        reason not to do it. Who has changed their mind resumes."""
        return _name(text.partition(" ")[0]) == "halt"

    def menu(self) -> list[tuple[str, str]]:
        """Each command with what it does, in the language of the settings."""
        lines = self.texts.say("help").splitlines()
        pairs = [line.split("  ", 1) for line in lines if line.startswith("/")]
        return [(word.split()[0].removeprefix("/"), text) for word, text in pairs]

    def pressed(self, data: str, who: str) -> Reply:
        """What comes of a button: only of a question of this process, once, by who was asked."""
        nonce, _, said = data.partition(":")
        question = self._asked.pop(nonce, None)
        if question is None or question.who != who or self.clock.monotonic_s() > question.until_s:
            return Reply(text=self.texts.say("expired"))
        if said != "yes":
            return Reply(text=self.texts.say("not_done"))
        return self._ask(question.change, question.accounts, question.reason, who)

    def _change(self, change: Change, words: Sequence[str], who: str) -> Reply:
        accounts, rest = self.accounts, list(words)
        if rest and rest[0] in self.accounts:
            accounts = (rest.pop(0),)
        elif rest and change != "halt":  # a halt with a slip of the keyboard stops everything
            known = ", ".join(self.accounts)
            return Reply(text=self.texts.say("no_account", account=rest[0], known=known))
        reason = " ".join(rest) or "asked by messenger"
        if change == "halt":
            return self._ask(change, accounts, reason, who)
        nonce = secrets.token_urlsafe(12)
        self._asked[nonce] = _Question(
            who=who, change=change, accounts=accounts, reason=reason,
            until_s=self.clock.monotonic_s() + CONFIRM_S,
        )  # fmt: skip
        buttons = tuple((self.texts.say(word), f"{nonce}:{word}") for word in ("yes", "no"))
        text = self.texts.say(f"confirm_{change}", accounts=", ".join(accounts))
        return Reply(text=text, buttons=buttons)

    def _ask(self, change: Change, accounts: Sequence[str], reason: str, who: str) -> Reply:
        mode = TradingMode.TRADING if change == "resume" else TradingMode.HALTED
        at_ms = utc_ms(self.clock.now())
        try:
            for account in accounts:
                request = Request(
                    account=AccountId(account), mode=mode, reason=reason, by=who,
                    channel=who.partition(":")[0], flatten=change == "flatten",
                )  # fmt: skip
                self.inbox.put(readable(request), at_ms)
        except OSError as error:
            return Reply(text=self.texts.say("unwritten", reason=error.strerror or str(error)))
        return Reply(text=self.texts.say(f"{change}_asked", accounts=", ".join(accounts)))

    async def _looked(self, name: str) -> Reply:
        try:
            return Reply(text=await self.look(name))
        except UnreadError as error:
            return Reply(text=self.texts.say("unread", reason=str(error)))
        except sqlite3.Error as error:
            return Reply(text=self.texts.say("unread", reason=str(error)))
        except Exception as error:
            # Silence is the worst answer to somebody who asks what goes on.
            log.exception("/%s could not be answered", name)
            return Reply(text=self.texts.say("unread", reason=repr(error)))

    async def look(self, name: str) -> str:
        """What a reading command shows. UnreadError or sqlite3.Error if it cannot be read."""
        if name == "orders":
            orders = await self.read("orders")
            return "\n\n".join(map(self._order, orders)) or self.texts.say("no_orders")
        status = await self.read("status")
        if name == "positions":
            lines = [self._position(one) for one in status["positions"]]
            return "\n\n".join(lines) or self.texts.say("no_positions")
        shown = {
            "status": self._status, "balance": self._balance, "profit": self._profit,
            "daily": self._daily,
        }[name]  # fmt: skip
        told = [shown(account) for account in status["accounts"]]
        if not told:
            told = [self.texts.say("no_accounts")]
        if name == "status":
            told += self._of_trader(status)
        return "\n\n".join(told)

    def _of_trader(self, status: dict[str, Any]) -> list[str]:
        """Whether anybody obeys, and what was asked and is not done yet."""
        trader = status.get("trader") or {}
        key = f"trader_{trader.get('state', 'not running').replace(' ', '_')}"
        waiting = [
            self.texts.say("waiting_line", **{**row, "of": row["of"] or ABSENT})
            for row in status.get("waiting", ())
        ]
        return [*([self.texts.say(key)] if self.texts.has(key) else []), *waiting]

    def _status(self, account: dict[str, Any]) -> str:
        return account_line(account, self.texts)

    def _balance(self, account: dict[str, Any]) -> str:
        money = {key: _money(_amount(account[key])) for key in ("equity", "cash", "deposits")}
        return self.texts.say(
            "balance_line", account=account["account"], currency=account["currency"], **money
        )

    def _position(self, one: dict[str, Any]) -> str:
        profit = one["unrealised"]
        return self.texts.say(
            "position_line",
            instrument=one["instrument"],
            quantity=plain(Decimal(one["quantity"])),
            entry=_price(one["entry"]),
            mark=_price(one["mark"]),
            profit=ABSENT if profit is None else format_money(Decimal(profit), signed=True),
            strategy=one["strategy"],
            account=one["account"],
        )

    def _order(self, one: dict[str, Any]) -> str:
        return self.texts.say(
            "order_line",
            side=self.texts.say(one["side"]),
            quantity=plain(Decimal(one["quantity"])),
            instrument=one["instrument"],
            filled=plain(Decimal(one["filled"])),
            status=self._status_word(one["status"]),
            limit=_price(one["limit"]),
            strategy=one["strategy"],
            account=one["account"],
        )

    def _status_word(self, status: str) -> str:
        key = f"status_word_{status}"
        return self.texts.say(key) if self.texts.has(key) else status

    def _profit(self, account: dict[str, Any]) -> str:
        since = str(self.clock.now().date() - timedelta(days=max(_SPANS.values())))
        days = days_of(self.outbox.equity(account["account"], since))
        return f"{account['account']}\n{profit_line(account, days, self.texts, self.clock)}"

    def _daily(self, account: dict[str, Any]) -> str:
        name = account["account"]
        days = days_of(self.outbox.equity(name, "0000"))[-_DAYS - 1 :]
        if not days:
            return self.texts.say("no_days", account=name)
        lines = [f"{name} ({account['currency']})"]
        for before, day in zip([None, *days], days, strict=False):
            change = None if before is None else day.profit_after(before)
            lines.append(
                self.texts.say(
                    "daily_line",
                    day=day.day,
                    equity=format_money(day.equity),
                    change=_signed(change),
                )
            )
        return "\n".join([lines[0], *lines[2:]] if len(days) > _DAYS else lines)


def account_line(account: dict[str, Any], texts: Texts) -> str:
    """An account of `status --json` in a few lines, with what is stopped and why."""
    equity, deposits = _amount(account["equity"]), Decimal(account["deposits"])
    result = ABSENT
    if deposits and equity is not None:
        result = format_percent(equity / deposits - 1, signed=True, language=texts.language)
    last, mode = account["last_decision"], f"mode_word_{account['mode']}"
    line = texts.say(
        "account_line",
        account=account["account"],
        mode=texts.say(mode) if texts.has(mode) else account["mode"],
        equity=_money(equity),
        currency=account["currency"],
        result=result,
        positions=account["positions"],
        orders=account["open_orders"],
        time=texts.say("never") if last is None else texts.time(last),
    )
    why = [texts.say("no_equity", why=account["no_equity"])] if account.get("no_equity") else []
    return "\n".join([line, *why, *(_hold_line(account, one, texts) for one in account["holds"])])


def _hold_line(account: dict[str, Any], hold: dict[str, Any], texts: Texts) -> str:
    where = hold["instrument"] or hold["strategy"] or account["account"]
    return texts.say("hold_line", where=where, rule=hold["rule"], why=hold["why"])


def profit_line(account: dict[str, Any], days: Sequence[Day], texts: Texts, clock: Clock) -> str:
    """What was earned since the ends of some UTC days, and in all; money paid in left out."""
    equity, deposits = _amount(account["equity"]), Decimal(account["deposits"])
    today = clock.now().date()
    earned = {
        name: None
        if equity is None
        else profit_since(days, str(today - timedelta(days=count)), equity, deposits)
        for name, count in _SPANS.items()
    }
    return texts.say(
        "profit_line",
        currency=account["currency"],
        total=_signed(None if equity is None else equity - deposits),
        **{name: _signed(amount) for name, amount in earned.items()},
    )


def _name(word: str) -> str:
    """Of `/halt@bot`: halt."""
    return word.removeprefix("/").partition("@")[0].lower()


def _amount(text: str | None) -> Decimal | None:
    """None where nobody can say: something is held without a price."""
    return None if text is None else Decimal(text)


def _money(amount: Decimal | None) -> str:
    return ABSENT if amount is None else format_money(amount)


def _signed(amount: Decimal | None) -> str:
    return ABSENT if amount is None else format_money(amount, signed=True)


def _price(text: str | None) -> str:
    return ABSENT if text is None else format_step(Decimal(text), None)
