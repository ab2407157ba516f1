"""Journal, decisions, alerts, logs, settings, jobs, works."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from algotrader.api.models.common import (
    AccountName,
    Amount,
    Ms,
    Reason,
    Shape,
    StrategyName,
    SymbolText,
    Wish,
)


class JournalRow(Shape):
    """A row as it was written, and its place in the chain of hashes."""

    seq: int
    at: Ms
    kind: str
    topic: str | None = Field(description="null for rows that the journal writes about itself")
    data: Any
    hash: str
    previous: str | None = Field(description="the hash of the row before; null for the first")


class JournalKinds(Shape):
    last: int = Field(description="number of the last row")
    kinds: dict[str, int] = Field(description="rows of each kind")


class Verified(Shape):
    """What a check of the chain found."""

    rows: int
    kept: int = Field(description="the last row that holds")
    problem: dict[str, Any] | None


class RuleChange(Shape):
    """A rule that changed what was wanted, in lots."""

    rule: str
    before: Amount
    after: Amount
    reason: str


class Decision(Shape):
    """One strategy's answer for one instrument at one bar, and what led to it."""

    seq: int
    at: Ms = Field(description="decision time, UTC ms")
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    outcome: str = Field(description="`decided`, `raised`, `timed_out`")
    target: float | None = Field(description="weight of equity; null is no opinion")
    acted: bool = Field(description="whether it is worked towards anew; false: kept")
    latched_quantity: Amount | None = Field(description="what is worked towards, signed")
    lots: int | None
    equity: Amount
    price: float = Field(description="the close it was sized at")
    quote: float | None
    features: dict[str, float | None] = Field(description="the last row; null where no number")
    rules: list[RuleChange]
    state: dict[str, Any]
    error: str | None


class DecisionStory(Shape):
    """Why it did what it did: the decision, and what its step wrote after it."""

    decision: Decision
    events: list[JournalRow] = Field(description="of the same instrument, to the end of the step")
    orders: list[str] = Field(description="ids of the orders that came of it")


class Alert(Shape):
    """What a person is told of."""

    seq: int = Field(description="of the journal's row that it tells of")
    at: Ms
    severity: str = Field(description="`critical`, `important`, `info`")
    title: str
    text: str
    cause: str = Field(description="the same for what belongs together")


class LogLine(Shape):
    at: str = Field(description="ISO, UTC")
    level: str
    event: str
    process: str = Field(description="whose log: `algotrader`, `api`, `scheduler`, …")
    fields: dict[str, Any]


class Setting(Shape):
    """A setting in force, and where it comes from. Secrets are never among them."""

    key: str
    value: Any
    origin: str = Field(examples=["algotrader.yaml:12", "default", "environment"])
    type: str
    description: str
    restart: str | None = Field(
        description="why no change of it holds before a restart; null where a reload takes it",
        examples=["needs a restart: the account's books began with it"],
    )
    differs: bool = Field(description="whether the running trader holds another value")
    held: str | None = Field(
        description="that value as text, where it differs; null: it is not set there",
        examples=["0.03"],
    )


class SettingChanged(Shape):
    """A setting that the file has otherwise than what held."""

    key: str
    before: str | None
    after: str | None
    refused: str | None = Field(description="why it stays as it was; null where it holds now")


class SettingsRead(Shape):
    """What reading the file again came to."""

    running: bool = Field(description="whether a trader runs; else its next start reads the file")
    answered: bool = Field(description="whether it has answered yet")
    changes: list[SettingChanged]


class ReloadWish(Wish):
    reason: Reason


class LimitWish(Wish):
    value: str = Field(
        max_length=200, description="as in the file; `none` lifts it, `file` undoes",
        examples=["2%"],
    )  # fmt: skip
    confirm: str | None = Field(
        None, max_length=200, description="the key again, for what lets more happen"
    )
    reason: Reason


class LimitTried(Shape):
    """What a change would do. Nothing is changed by asking."""

    key: str
    before: str | None
    after: str | None
    loosens: bool = Field(description="whether it lets more happen and asks for its key")
    in_force: bool


class Job(Shape):
    """What is done at set times."""

    job: str
    do: str
    when: str
    next: Ms | None
    last: Ms | None
    outcome: str | None


class JobRunRow(Shape):
    number: int
    job: str
    due: Ms
    started: Ms
    ended: Ms | None
    outcome: str
    says: str


class WorkError(Shape):
    code: str | None
    message: str | None
    hint: str | None


class WorkRow(Shape):
    """Work that was started from here, in a process of its own."""

    id: str
    kind: str = Field(examples=["backtest"])
    command: str = Field(description="the same by hand", examples=["algotrader backtest Trend…"])
    by: str
    asked: Ms
    started: Ms | None
    ended: Ms | None
    state: str = Field(
        description="`waiting`, `running`, `done`, `findings`, `failed`, `cancelled`, `stopped`"
    )
    done: int | None = Field(description="of `total`; null where that is not known")
    total: int | None
    run: str | None = Field(description="id of the run that came of it")
    sweep: str | None = Field(description="id of the sweep that came of it")
    walkforward: str | None = Field(description="id of the walk-forward that came of it")
    error: WorkError | None


class WorkDetail(Shape):
    work: WorkRow
    says: str = Field(description="the end of what it said")
    result: Any = Field(description="what it gave; null before its end")


class StrategyWish(Wish):
    reason: Reason


class StopWish(Wish):
    flatten: bool = Field(False, description="sell what it holds first")
    reason: Reason


Scalar = str | float | int | bool


class ParametersWish(Wish):
    """Parameters by name; null: as the file has it."""

    values: dict[str, Annotated[Scalar, Field()] | None] = Field(
        min_length=1, max_length=100, examples=[{"fast": 12}]
    )
    reason: Reason


class StrategyAnswer(Shape):
    """What became of a wish. Not in force: nobody answered yet, or no trader runs."""

    strategy: StrategyName
    asked: str
    running: bool
    in_force: bool
    parameters: dict[str, Any] | None = None


class ParameterRow(Shape):
    name: str
    kind: str = Field(description="`int`, `float`, `bool`, `str`")
    default: Any
    low: float | None
    high: float | None
    step: float | None
    choices: list[Any] | None
    help: str


class StrategyKind(Shape):
    """A strategy that can be tested or traded, with its declared parameters."""

    use: str = Field(description="what `use` and a backtest name it by")
    name: str
    about: str
    panel: bool
    origin: str = Field(description="`library`, `workspace` or `installed`")
    parameters: list[ParameterRow]
    error: dict[str, str | None] | None = Field(None, description="why it cannot be used")


class UploadWish(Wish):
    """A strategy is code: it runs with the rights of the trader's worker."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}\.py$", examples=["my_trend.py"])
    source: str = Field(min_length=1, max_length=200_000)
    replace: bool = False


class Uploaded(Shape):
    use: str
    kind: StrategyKind
