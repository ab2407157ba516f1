"""What is measured, what is to be reached, and who is measured beside it.

Each function of `ROWS` gives the rows of one subject; the figures to reach are the project's own
and do not move with the measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.bench_shell import backtest_from_shell, help_from_shell, imports
from benchmarks.child import Finished
from benchmarks.session import Session

BY_BAR = 1_000_000
SHOWN = {
    "backtesting": "backtesting.py",
    "empyrical": "empyrical-reloaded",
    "nautilus": "nautilus_trader",
    "vnpy": "vnpy CTA",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    work: str
    ours: str
    goal: str
    reached: bool
    peers: tuple[str, ...] = ()


def rate(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def fastest(runs: list[Finished]) -> float:
    return min(float(run.answer.get("cpu", run.answer["seconds"])) for run in runs)


def beside(name: str, runs: list[Finished], theirs: str, ratio: float) -> str:
    version = runs[0].answer["version"]
    return f"{SHOWN.get(name, name)} {version}: {theirs} ({ratio:.3g} ×)"


def event(session: Session) -> list[Row]:
    rows = session.size(BY_BAR, 100_000)
    bars = session.folder / "minutes.npy"
    session.ours("series", bars, rows, 60_000)
    sizes = {
        "backtesting": session.size(300_000, 20_000),
        "raptorbt": rows,
        "vnpy": session.size(300_000, 20_000),
        "nautilus": session.size(30_000, 3_000),
        "backtrader": session.size(30_000, 3_000),
    }
    done = session.in_turn(
        {"ours": lambda: session.simulator("event", rows)}
        | {name: session.peer(name, bars, count) for name, count in sizes.items()}
    )
    speed = {name: sizes.get(name, rows) / fastest(runs) for name, runs in done.items()}
    ratios = {name: speed["ours"] / theirs for name, theirs in speed.items() if name != "ours"}
    texts = tuple(
        beside(name, done[name], f"{rate(speed[name])} on {sizes[name]:,} bars", ratio)
        for name, ratio in ratios.items()
    )
    reached = speed["ours"] >= 2e6
    reached &= ratios.get("backtesting", 8.0) >= 8.0 and ratios.get("raptorbt", 5.0) >= 5.0
    return [
        Row(
            work=f"backtest, Python `on_bar`, orders and fills, {rows:,} bars",
            ours=f"{rate(speed['ours'])} bars/s",
            goal="≥ 2 M bars/s, ≥ 8 × backtesting.py, ≥ 5 × raptorbt",
            reached=reached,
            peers=texts,
        )
    ]


def full(session: Session) -> list[Row]:
    rows = session.size(50_000, 5_000)
    done = session.in_turn(
        {
            "full": lambda: session.simulator("full", rows),
            "full-on-bar": lambda: session.simulator("full-on-bar", rows),
        }
    )
    return [
        Row(
            work=f"full driver: the live engine, {words}, {rows:,} bars",
            ours=f"{rate(rows / fastest(done[work]))} bar-decisions/s",
            goal="≥ 20 k",
            reached=rows / fastest(done[work]) >= 20_000,
        )
        for work, words in (("full", "targets"), ("full-on-bar", "orders bar by bar"))
    ]


def bus(session: Session) -> list[Row]:
    quotes = session.size(2_000_000, 200_000)
    runs = [session.ours("bench_bus", quotes) for _ in range(session.rounds)]
    speed = quotes / fastest(runs)
    return [
        Row(
            work="live: quotes of 50 instruments to 10 listeners, coalesced, no journal",
            ours=f"{rate(speed)} quotes/s",
            goal="≥ 200 k",
            reached=speed >= 200_000,
        )
    ]


def sweep(session: Session) -> list[Row]:
    rows, sets = session.size(100_000, 20_000), session.size(1_000, 40)
    small, few = session.size(20_000, 5_000), session.size(200, 20)
    bars = session.folder / "hours.npy"
    session.ours("series", bars, small, 3_600_000)
    done = session.in_turn(
        {
            "ours": lambda: session.simulator("sweep", rows, sets),
            "small": lambda: session.simulator("sweep", small, few),
            "vectorbt": session.peer("vectorbt", bars, small, few),
            "raptorbt": session.peer("raptorbt", bars, small, few),
        }
    )
    runs = done.pop("ours")
    ours, trades = rows * sets / fastest(runs), runs[0].answer["trades"]
    small_runs = done.pop("small")
    at_small = small * few / fastest(small_runs)
    peak = session.simulator("sweep", rows, sets, repeats=1).peak_mb
    texts = [f"here on {few} × {small:,}: {rate(at_small)}, the peers on the same:"]
    texts += [
        beside(
            name,
            runs,
            f"{rate(small * few / fastest(runs))} at {max(run.peak_mb for run in runs):,.0f} MB",
            at_small * fastest(runs) / (small * few),
        )
        for name, runs in done.items()
    ]
    first = Row(
        work=f"sweep, {sets:,} sets × {rows:,} bars ({trades:,} trades): return, Sharpe, "
        "drawdown, trades",
        ours=f"{rate(ours)} set·bars/s on one core, peak {peak:.0f} MB",
        goal="≥ 0.4 G, < 200 MB",
        reached=ours >= 0.4e9 and peak < 200,
        peers=tuple(texts),
    )
    return [first, *(sweep_kind(session, *kind) for kind in SWEEPS)]


SWEEPS = (
    ("sweep-metrics", "all metrics, parts kept on disk", 1.0, 0.15e9),
    ("sweep-stops", "stop and target inside the bar", 1.0, 0.1e9),
    ("sweep-on-bar", "Python `on_bar`", 0.02, 1.5e6),
)


def sweep_kind(session: Session, work: str, words: str, share: float, goal: float) -> Row:
    rows = session.size(100_000, 20_000)
    sets = max(2, int(session.size(1_000, 40) * share))
    done = session.in_turn({"ours": lambda: session.simulator(work, rows, sets, 2)})
    speed = rows * sets / fastest(done["ours"])
    return Row(
        work=f"the same, {words}, {sets:,} sets",
        ours=f"{rate(speed)} set·bars/s on one core",
        goal=f"≥ {rate(goal)}",
        reached=speed >= goal,
    )


def portfolio(session: Session) -> list[Row]:
    return [
        portfolio_every(session, "monthly", 21, 5.0),
        portfolio_every(session, "daily", 1, 60.0),
    ]


def portfolio_every(session: Session, period: str, every: int, goal_ms: float) -> Row:
    rows, columns = session.size(2_520, 252), session.size(500, 50)
    panel = session.folder / f"panel-{period}"
    session.ours("series", "panel", panel, rows, columns, every)
    arrays = (f"{panel}-closes.npy", f"{panel}-weights.npy")
    contenders = {
        "ours": lambda: session.simulator(f"portfolio-{period}", rows, columns, 5),
        "vectorbt": session.peer("vectorbt", "portfolio", *arrays),
    }
    if period == "monthly":  # daily takes it minutes
        contenders["bt"] = session.peer("bt", *arrays)
    done = session.in_turn(contenders)
    ours = fastest(done.pop("ours")) * 1e3
    return Row(
        work=f"portfolio, {columns} instruments × {rows:,} days, {period}, lots, fees, cash rule",
        ours=f"{ours:.1f} ms",
        goal=f"≤ {goal_ms:g} ms",
        reached=ours <= goal_ms,
        peers=tuple(
            beside(name, runs, f"{fastest(runs) * 1e3:,.0f} ms", fastest(runs) * 1e3 / ours)
            for name, runs in done.items()
        ),
    )


def metrics(session: Session) -> list[Row]:
    python = session.peers.python("empyrical") if session.peers else None
    found = session.ours("bench_metrics", "--json", *(("--peer", python) if python else ())).answer
    return [metrics_of(measured, found["version"]) for measured in found["rows"]]


def metrics_of(measured: Mapping[str, Any], version: str | None) -> Row:
    """A lone short series is a matter of latency: eighteen arrays are handed out for 10 kB of data."""
    count, days = measured["shape"]
    lone = count * days < 10_000
    speed = f"{rate(measured['one'])} points/s on one core"
    ratio = measured["one"] / measured["peer"] if "peer" in measured else None
    fast = lone or max(measured["one"], measured["all"]) >= 0.5e9
    return Row(
        work=f"16 metrics, {count:,} × {days:,} days" + (", one call" if lone else ""),
        ours=f"{count * days / measured['one'] * 1e6:.1f} μs a call, {speed}"
        if lone
        else f"{speed}, {rate(measured['all'])} on all",
        goal="≥ 40 × empyrical (a call's latency)"
        if lone
        else "≥ 0.5 G points/s, ≥ 40 × empyrical",
        reached=fast and (ratio is None or ratio >= 40.0),
        peers=()
        if ratio is None
        else (f"empyrical-reloaded {version}: {rate(measured['peer'])} ({ratio:.3g} ×)",),
    )


def indicators(session: Session) -> list[Row]:
    wanted = ("--rows", session.size(1_000_000, 20_000), "--repeats", session.size(15, 3))
    lengths = (1_000_000, 100_000, 10_000) if not session.quick else (20_000, 10_000)
    found = session.ours("bench_indicators", "--json", *wanted, "--lengths", *lengths).answer
    return [
        Row(
            work=f"{one['count']} indicators, time over TA-Lib's, {one['length']:,} rows a call",
            ours=f"mean {one['mean']:.2f}, worst {one['worst']:.2f} ({one['worst_name']})",
            goal="mean ≤ 1, none above 1.25",
            reached=one["mean"] <= 1.0 and one["worst"] <= 1.25,
            peers=(f"TA-Lib {found['version']}: 1",),
        )
        for one in found["lengths"]
    ]


def data(session: Session) -> list[Row]:
    if session.quick:
        return []  # its one size is its figure
    found = session.ours("bench_data", "--json").answer
    goals = {"import csv": 5.0, "import parquet": 5.0, "load": 0.2, "check": 2.0}
    return [
        Row(
            work=f"2.6 M bars of 1m: {name}",
            ours=f"{found[name]:.3g} s",
            goal=f"≤ {goal:g} s",
            reached=found[name] <= goal,
        )
        for name, goal in goals.items()
    ]


def shell(session: Session) -> list[Row]:
    repeats = session.size(10, 2)
    cpu = imports(repeats)
    ours, numpy = cpu["algotrader"] * 1e3, cpu["numpy"] * 1e3
    helped = help_from_shell(repeats)
    tested = backtest_from_shell(session.folder, session.size(5, 1))
    return [
        Row(
            work="`import algotrader`, CPU",
            ours=f"{ours:.0f} ms",
            goal="≤ 150 ms, or 1.6 × numpy alone",
            reached=ours <= 150.0 or ours <= 1.6 * numpy,
            peers=(f"numpy alone: {numpy:.0f} ms ({ours / numpy:.2f} ×)",),
        ),
        Row(
            work="`algotrader --help`",
            ours=f"{helped:.2f} s",
            goal="≤ 0.3 s",
            reached=helped <= 0.3,
        ),
        Row(
            work="`algotrader backtest`, 1h × 2 years, from the shell",
            ours=f"{tested:.2f} s",
            goal="≤ 1 s",
            reached=tested <= 1.0,
        ),
    ]


def live(session: Session) -> list[Row]:
    order = session.ours("bench_live", "order", "--size", session.size(400, 40)).answer
    replayed = session.ours("bench_live", "replay", "--size", session.size(20_000, 2_000)).answer
    start = session.ours("bench_live", "restart", "--size", session.size(1_000_000, 80_000)).answer
    soak = session.ours("bench_live", "soak", "--size", session.size(30, 4)).answer
    return [
        Row(
            work="last bar of a slice → orders sent, 10 strategies, 5,000 rows of history, journal "
            "fully synced",
            ours=f"p50 {order['p50_ms']:.1f} ms, p99 {order['p99_ms']:.1f} ms",
            goal="p99 ≤ 5 ms on a quiet disk, ≤ 15 ms on a busy one",
            reached=order["p99_ms"] <= 5.0,
        ),
        Row(
            work="memory of trader and worker with 10 strategies",
            ours=f"{order['memory_mb']:.0f} MB",
            goal="≤ 300 MB",
            reached=order["memory_mb"] <= 300.0,
        ),
        Row(
            work="replay through engine, paper venue and journal",
            ours=f"{rate(replayed['steps'])} steps/s with full sync, {rate(replayed['decisions'])} "
            "bar-decisions/s with `--journal-sync normal`",
            goal="≥ 2,000 steps/s, ≥ 10,000 bar-decisions/s",
            reached=replayed["steps"] >= 2_000 and replayed["decisions"] >= 10_000,
        ),
        Row(
            work=f"restart with a journal of {start['events']:,} events, snapshot 50,000 old; "
            "check of every row",
            ours=f"{start['restart']:.2f} s; {start['verify']:.1f} s",
            goal="≤ 5 s; ≤ 20 s",
            reached=start["restart"] <= 5.0 and start["verify"] <= 20.0,
        ),
        Row(
            work=f"{soak['slices']:,} slices of 15m bars on 10 instruments, growth of memory after "
            "day 2",
            ours=f"{soak['growth_mb_a_day']:.2f} MB a day, at most {soak['memory_mb']:.0f} MB",
            goal="< 1 MB a day",
            reached=soak["growth_mb_a_day"] < 1.0,
        ),
    ]


def proofs(session: Session) -> list[Row]:
    parity = session.ours("bench_proofs", "parity", "--size", session.size(8_760, 500)).answer
    found = session.ours("bench_proofs", "histories", "--size", session.size(300, 5)).answer
    return [
        Row(
            work=f"parity of {parity['decisions']:,} decisions on hourly bars, {parity['rows']:,} "
            "rows of journal: both comparisons",
            ours=f"{parity['seconds']:.1f} s" + ("" if parity["is_clean"] else ", not equal"),
            goal="≤ 5 s a year, all equal",
            reached=parity["seconds"] <= 5.0 and parity["is_clean"],
        ),
        Row(
            work="simulated histories with faults, every property looked at, on one core",
            ours=f"{found['seeds_s']:.1f} seeds/s, {rate(found['events_s'])} events/s"
            + (f", broken: {found['broke']}" if found["broke"] else ""),
            goal="≥ 20 seeds/s, ≥ 12,000 events/s, none broken",
            reached=found["seeds_s"] >= 20.0
            and found["events_s"] >= 12_000
            and found["broke"] is None,
        ),
    ]


def api(session: Session) -> list[Row]:
    """In one run: the trader alone, and with the API asked beside it, in turn."""
    found = session.ours("bench_api", "--size", session.size(90, 30)).answer
    alone, beside_it = found["trader_without"], found["trader_with"]
    change = beside_it["p99_ms"] / alone["p99_ms"] - 1.0
    return [
        Row(
            work=f"API beside a trader of 10 strategies, lists at 100 requests/s, "
            f"{found['answers']:,} answers",
            ours=f"p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms; "
            f"{found['api_cpu']:.0%} of a core",
            goal="p99 ≤ 30 ms",
            reached=found["p99_ms"] <= 30.0,
        ),
        Row(
            work="that trader's last bar → orders, with the API asked beside it and without it",
            ours=f"p50 {beside_it['p50_ms']:.1f} and {alone['p50_ms']:.1f} ms, p99 "
            f"{beside_it['p99_ms']:.1f} and {alone['p99_ms']:.1f} ms ({change:+.0%})",
            goal="p99 ≤ +10 %",
            reached=change <= 0.10,
        ),
        Row(
            work="memory of trader, worker and API",
            ours=f"{found['memory_mb']:.0f} MB, of it {found['api_mb']:.0f} the API's "
            f"({found['listened_mb']:.0f} with 200 listeners)",
            goal="≤ 500 MB",
            reached=found["memory_mb"] <= 500.0,
        ),
    ]


def console(session: Session) -> list[Row]:
    """In a real Chromium on this machine, which draws in software."""

    def browser(work: str, full: int, quick: int) -> Mapping[str, Any]:
        return session.ours("bench_browser", work, "--size", session.size(full, quick)).answer

    first, change = browser("load", 7, 2), browser("routes", 5, 1)
    panned = browser("candles", 240, 60)
    near, every = panned["near"], panned["all"]
    count = session.size(100_000, 5_000)
    scrolled, told = browser("rows", 100_000, 5_000), browser("fill", 100, 10)
    return [
        Row(
            work="console, first load: the shell; with the chart of its first page",
            ours=f"{first['shell_bytes'] / 1e3:.0f} kB; {first['bytes'] / 1e3:.0f} kB",
            goal="≤ 150 kB",
            reached=first["shell_bytes"] <= 150_000,
        ),
        Row(
            work="console, first load to interactive, empty cache, median of 7",
            ours=f"{first['interactive_ms'] / 1e3:.2f} s ({first['fastest_ms'] / 1e3:.2f} to "
            f"{first['slowest_ms'] / 1e3:.2f}), script {first['script_ms']:.0f} ms",
            goal="≤ 1.0 s",
            reached=first["interactive_ms"] <= 1_000.0,
        ),
        Row(
            work="console, change of page, click to painted",
            ours=f"median {change['median_ms']:.0f} ms, p95 {change['p95_ms']:.0f} ms, slowest "
            f"{change['worst']} {change['worst_ms']:.0f} ms",
            goal="≤ 100 ms",
            reached=change["worst_ms"] <= 100.0,
        ),
        Row(
            work="console, 20,000 candles dragged: script and layout a frame; all of them in view",
            ours=f"p50 {near['busy_p50_ms']:.1f} ms, p95 {near['busy_p95_ms']:.1f} ms; "
            f"p50 {every['busy_p50_ms']:.1f} ms, p95 {every['busy_p95_ms']:.1f} ms",
            goal="p95 ≤ 8 ms",
            reached=near["busy_p95_ms"] <= 8.0 and every["busy_p95_ms"] <= 8.0,
        ),
        Row(
            work=f"console, {count:,} fills scrolled: frames a second, script and layout a frame",
            ours=f"{scrolled['fps']:.0f} frames/s, p50 {scrolled['busy_p50_ms']:.1f} ms, p95 "
            f"{scrolled['busy_p95_ms']:.1f} ms; sorted in {scrolled['sort_ms']:.0f} ms",
            goal="60 frames/s",
            reached=scrolled["fps"] >= 59.0,
        ),
        Row(
            work="console, a fill: engine knew it → painted",
            ours=f"p50 {told['p50_ms']:.0f} ms, p95 {told['p95_ms']:.0f} ms",
            goal="≤ 200 ms",
            reached=told["p95_ms"] <= 200.0,
        ),
    ]


ROWS: Mapping[str, Callable[[Session], list[Row]]] = {
    "event": event,
    "full": full,
    "bus": bus,
    "live": live,
    "api": api,
    "console": console,
    "proofs": proofs,
    "sweep": sweep,
    "portfolio": portfolio,
    "metrics": metrics,
    "indicators": indicators,
    "data": data,
    "shell": shell,
}
