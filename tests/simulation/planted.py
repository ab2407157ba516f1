"""Bugs to be found: each a small change of the shipped code, applied to a copy of one module.

`python -m tests.simulation.planted NAME` runs histories and lives of one order on the changed code
and ends with 1 as soon as a property breaks.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """`before` stands once in the module; with `after` in its place the code is wrong."""

    module: str
    before: str
    after: str


SEEDS = 60
BY_BAR = 120  # histories of a bar-by-bar strategy
LIVES = 400  # of one order

BUGS = {
    "asked_again_without_what_it_told": Planted(
        module="algotrader.engine.engine",
        before="self._ask_one(instance, asked)",
        after="self._step.do(AskStrategy(account=instance.account, strategy=instance.strategy, "
        "decision_ts=asked))",
    ),
    "told_again_after_a_restart": Planted(
        module="algotrader.engine.state",
        before="self.talks.asked(strategy)",
        after="pass",
    ),
    "absence_believed_at_once": Planted(
        module="algotrader.engine.following",
        before="if event.asked_ms <= proved_from:",
        after="if False:",
    ),
    "old_look_up_believed": Planted(
        module="algotrader.engine.following",
        before="if event.asked_ms <= proved_from:",
        after="if event.ts_known <= proved_from:",
    ),
    "asked_by_hand_twice_is_done_twice": Planted(
        module="algotrader.engine.by_hand",
        before="if known is not None:",
        after="if False:",
    ),
    "change_without_an_answer_is_forgotten": Planted(
        module="algotrader.execution.order_life",
        before="asked_quantity=max(event.quantity, self.asked_quantity)",
        after="asked_quantity=ZERO",
    ),
    "sent_before_it_is_written": Planted(
        module="algotrader.live.steps",
        before="self._journal.append_steps([entries for _, entries in self._waiting])",
        after="late = [entries for _, entries in self._waiting]\n"
        "                self._late = [*getattr(self, '_late', []), *late]\n"
        "                if len(self._late) > 12:\n"
        "                    self._journal.append_steps(self._late)\n"
        "                    self._late = []",
    ),
    "trades_not_remembered": Planted(
        module="algotrader.engine.state",
        before="return key in self._trades",
        after="return False",
    ),
    "acceptance_counted_as_fill": Planted(
        module="algotrader.execution.order_life",
        before="return known if overtaken else known._moved(known._lives(known._working()))",
        after="return replace(known, status=OrderStatus.FILLED)",
    ),
    "open_orders_left_out_of_what_is_free": Planted(
        module="algotrader.engine.planning",
        before="symbol for symbol in sorted(by_symbol) if any(working(state, instance, symbol))",
        after="symbol for symbol in ()",
    ),
    "pushes_trusted_alone": Planted(
        module="algotrader.engine.following",
        before="if every_ms is not None:",
        after="if False:",
    ),
    "trades_never_fetched": Planted(
        module="algotrader.live.trader",
        before="for fill in await self._asked(lambda: broker.trades(command.order_id, command.instrument)):",
        after="for fill in ():",
    ),
    "restart_forgets_orders_in_doubt": Planted(
        module="algotrader.engine.engine",
        before="for live in list(self.state.orders.open()):",
        after="for live in []:",
    ),
    "attempts_forgotten": Planted(
        module="algotrader.engine.planning",
        before="return state.attempts.get(key, 0)",
        after="return 0",
    ),
    "lost_cancel_never_repeated": Planted(
        module="algotrader.engine.following",
        before="elif live.status is OrderStatus.PENDING_CANCEL:",
        after="elif live.status is OrderStatus.PENDING_CANCEL and False:",
    ),
    "cancel_taken_for_done": Planted(
        module="algotrader.execution.order_life",
        before="return replace(moved, resumes=resumes, cancel_wanted=True)",
        after="return replace(moved, status=OrderStatus.CANCELLED, cancel_wanted=True)",
    ),
    "sent_again_blindly": Planted(
        module="algotrader.live.trader",
        before="        except BrokerUnavailableError as error:\n            answer = OrderUnknown(",
        after="            if isinstance(answer, OrderUnknown):\n"
        "                broker = self._brokers[order.account]\n"
        "                answer = await broker.submit(command.approved, command.deadline_ms)\n"
        "        except BrokerUnavailableError as error:\n            answer = OrderUnknown(",
    ),
    "sent_without_a_deadline": Planted(
        module="algotrader.live.trader",
        before="command.approved, command.deadline_ms\n",
        after="command.approved, command.deadline_ms + 10**9\n",
    ),
    "snapshot_forgets_trades": Planted(
        module="algotrader.engine.image",
        before="vars(state).update(kept, terms=terms, _looked={}, _equities={})",
        after="vars(state).update(kept, terms=terms, _looked={}, _equities={}, _trades={})",
    ),
    # Of these three no targeted case is written anywhere.
    "halt_ends_by_itself": Planted(
        module="algotrader.risk.state",
        before="self.holds[hold.key] = hold",
        after="self.holds[hold.key] = replace(hold, until_ms=event.ts_known + 60_000)",
    ),
    "fee_taken_twice": Planted(
        module="algotrader.portfolio.ledger",
        before="charged = ZERO if in_coin else money(fee)",
        after="charged = ZERO if in_coin else money(fee) * (1 + (quantity < 0))",
    ),
    "closed_before_its_trades_came": Planted(
        module="algotrader.execution.order_life",
        before="if self.filled < reported:",
        after="if self.filled < reported and self.filled == 0:",
    ),
    "guards_do_not_grow": Planted(
        module="algotrader.engine.guarding",
        before="for parent in self._step.state.protected.openers_of(place):",
        after="for parent in ():",
    ),
    "last_row_not_read": Planted(
        module="algotrader.live.steps",
        before="for row in self._journal.read(self._snapshot_seq + 1 if stood else 1):",
        after="for row in [*self._journal.read(self._snapshot_seq + 1 if stood else 1)][:-1]:",
    ),
}


class _OnePatched(MetaPathFinder):
    """Finds one module in its changed copy."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path)


def plant(bug: Planted, folder: Path) -> None:
    """Let this process import the changed module. Before anything imports the true one."""
    spec = importlib.util.find_spec(bug.module)
    if spec is None or spec.origin is None:
        raise LookupError(bug.module)
    text = Path(spec.origin).read_text(encoding="utf-8")
    if text.count(bug.before) != 1:
        raise LookupError(f"{bug.module} holds {text.count(bug.before)} times: {bug.before}")
    copy = folder / "planted.py"
    copy.write_text(text.replace(bug.before, bug.after), encoding="utf-8")
    sys.meta_path.insert(0, _OnePatched(bug.module, copy))


def main(name: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        plant(BUGS[name], Path(folder))
        from tests.simulation import bar_by_bar, one_order, seeds  # they import what was planted

        logging.disable(logging.CRITICAL)
        found = (
            one_order.some(LIVES).broken
            or seeds.first_broken(0, SEEDS)
            or bar_by_bar.first_broken(BY_BAR)
        )
        sys.stdout.write(f"{found or 'nothing broke'}\n")
        return int(found is not None)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
