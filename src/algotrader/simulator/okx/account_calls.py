"""Calls about the account: balances, positions, leverage, fees, bills."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from algotrader.simulator.okx import rows
from algotrader.simulator.okx.account_rows import balance_row, ended_row, position_row
from algotrader.simulator.okx.asks import Asked, one_of, text
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.listings import MAX_LEVERAGE, Listing
from algotrader.simulator.okx.numerals import plain, positive
from algotrader.simulator.okx.records import ARCHIVE_MS, HISTORY_MS, Bill
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.trade_calls import paged
from algotrader.simulator.okx.wallet import Held, HeldKey
from algotrader.simulator.okx.wire import Endpoint, Handler, Reply, answer

_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
_MODES = ("cross", "isolated")


def balance(desk: Desk, asked: Asked) -> Reply:
    wanted = tuple(str(asked["ccy"]).split(",")) if asked.get("ccy") else ()
    return answer([balance_row(desk.venue, wanted)])


def positions(desk: Desk, asked: Asked) -> Reply:
    names = str(asked["instId"]).split(",") if asked.get("instId") else None
    for name in names or ():
        desk.market(name)
    shown = [position_row(desk.venue, held) for held in desk.venue.wallet.open_positions()
             if names is None or held.key.inst_id in names]  # fmt: skip
    return answer(shown)


def positions_history(desk: Desk, asked: Asked) -> Reply:
    def fits(held: Held) -> bool:
        shown = ended_row(desk.venue, held)
        names = ("instType", "instId", "mgnMode", "type", "posId")
        return all(asked.get(name) in (None, "", shown[name]) for name in names)

    found = (held for held in reversed(desk.venue.records.ended) if fits(held))
    chosen = paged(found, asked, lambda h: h.updated_ms, lambda h: h.updated_ms)
    return answer([ended_row(desk.venue, held) for held in chosen])


def config(desk: Desk, _: Asked) -> Reply:
    return answer([{
        "acctLv": desk.level, "acctStpMode": "cancel_maker", "autoLoan": desk.borrows, "ctIsoMode": "automatic",
        "enableSpotBorrow": desk.borrows, "greeksType": "PA", "ip": "", "kycLv": "3",
        "label": "simulated", "level": "Lv1", "levelTmp": "", "liquidationGear": "-1",
        "mainUid": desk.main_uid, "mgnIsoMode": "automatic", "opAuth": "0",
        "perm": desk.credentials.permissions,
        "posMode": "long_short_mode" if desk.venue.wallet.is_hedged else "net_mode",
        "roleType": "0", "settleCcy": "USDT", "settleCcyList": ["USDT"],
        "spotBorrowAutoRepay": False, "spotOffsetType": "", "spotRoleType": "0",
        "spotTraderInsts": [], "stgyType": "0", "traderInsts": [], "type": "0", "uid": desk.uid,
    }])  # fmt: skip


def trade_fee(desk: Desk, asked: Asked) -> Reply:
    """Regular rates as negative numbers: what is paid."""
    kind = one_of(asked, "instType", _TYPES)
    spot = kind in ("SPOT", "MARGIN")
    name = asked.get("instId")
    family = asked.get("instFamily") or asked.get("uly")
    fitting = [m.listing for m in desk.venue.markets.values() if m.listing.is_spot is spot
               and name in (None, m.inst_id) and family in (None, "", m.listing.family)]  # fmt: skip
    if name and not fitting:
        raise Refusal("51001")
    in_coin = [one for one in fitting if spot or one.instrument.is_inverse]
    in_dollars = [one for one in fitting if not (spot or one.instrument.is_inverse)]
    maker, taker = _rates(in_coin)  # of derivatives: those that settle in their coin
    maker_u, taker_u = _rates(in_dollars)
    return answer([{
        "category": "1", "delivery": "", "exercise": "", "instType": kind, "level": "Lv1",
        "maker": maker, "makerU": maker_u, "makerUSDC": "", "taker": taker, "takerU": taker_u,
        "takerUSDC": "", "ts": str(desk.exchange.now_ms), "uly": str(family or ""),
    }])  # fmt: skip


def _rates(listed: list[Listing]) -> tuple[str, str]:
    if not listed:
        return "", ""
    fees = listed[0].instrument.fees
    return plain(-fees.maker), plain(-fees.taker)


def leverage_info(desk: Desk, asked: Asked) -> Reply:
    mode = one_of(asked, "mgnMode", _MODES)
    names = str(asked["instId"]).split(",")
    return answer([_lever_row(desk, HeldKey(name, mode, side))
                   for name in names for side in _sides(desk, name)])  # fmt: skip


def _sides(desk: Desk, inst_id: str) -> tuple[str, ...]:
    if desk.market(inst_id).listing.is_spot:
        raise Refusal("51015")
    return ("long", "short") if desk.venue.wallet.is_hedged else ("net",)


def _lever_row(desk: Desk, key: HeldKey) -> rows.Row:
    return {"ccy": "", "instId": key.inst_id, "lever": plain(desk.venue.wallet.lever(key)),
            "mgnMode": key.mode, "posSide": key.pos_side}  # fmt: skip


def set_leverage(desk: Desk, asked: Asked) -> Reply:
    inst_id, mode = str(asked["instId"]), one_of(asked, "mgnMode", _MODES)
    lever = positive(asked["lever"], "lever")
    if lever > MAX_LEVERAGE:
        raise Refusal("59102")
    sides = _sides(desk, inst_id)
    wanted = text(asked, "posSide")
    if wanted and wanted not in sides:
        raise Refusal("51000", "posSide")
    keys = [HeldKey(inst_id, mode, side) for side in sides if wanted in ("", side)]
    for key in keys:
        desk.exchange.set_leverage(key, lever)
    return answer([{"instId": inst_id, "lever": plain(lever), "mgnMode": mode,
                    "posSide": wanted or ("" if len(keys) > 1 else keys[0].pos_side)}])  # fmt: skip


def set_position_mode(desk: Desk, asked: Asked) -> Reply:
    mode = one_of(asked, "posMode", ("long_short_mode", "net_mode"))
    desk.exchange.set_hedged(mode == "long_short_mode")
    return answer([{"posMode": mode}])


def bills(desk: Desk, asked: Asked) -> Reply:
    return _bills(desk, asked, HISTORY_MS)


def bills_archive(desk: Desk, asked: Asked) -> Reply:
    return _bills(desk, asked, ARCHIVE_MS)


def _bills(desk: Desk, asked: Asked, kept_ms: int) -> Reply:
    oldest = desk.exchange.now_ms - kept_ms

    def is_wanted(bill: Bill) -> bool:
        shown = rows.bill_row(bill)
        names = ("instType", "instId", "ccy", "mgnMode", "type", "subType")
        same = all(asked.get(name) in (None, "", shown[name]) for name in names)
        contract = asked.get("ctType") or ""
        return same and bill.at_ms >= oldest and contract in ("", _contract_type(desk, bill))

    found = (bill for bill in reversed(desk.venue.records.bills) if is_wanted(bill))
    chosen = paged(found, asked, lambda b: int(b.bill_id), lambda b: b.at_ms)
    return answer([rows.bill_row(bill) for bill in chosen])


def _contract_type(desk: Desk, bill: Bill) -> str:
    market = desk.venue.markets.get(bill.inst_id)
    if market is None or market.listing.is_spot:
        return ""
    return "inverse" if market.listing.instrument.is_inverse else "linear"


def currencies(desk: Desk, asked: Asked) -> Reply:
    made = [market.listing.instrument for market in desk.venue.markets.values()]
    known = sorted({c for i in made for c in (i.base, i.quote, i.settle)})
    wanted = asked.get("ccy")
    return answer([_currency_row(c) for c in known if wanted in (None, "", c)])


def _currency_row(currency: str) -> rows.Row:
    """A coin nobody can withdraw: the venue is a simulation."""
    return {
        "canDep": False, "canInternal": False, "canWd": False, "ccy": currency,
        "chain": f"{currency}-SIM", "ctAddr": "", "depQuotaFixed": "", "fee": "0", "logoLink": "",
        "mainNet": True, "maxFee": "0", "maxFeeForCtAddr": "", "maxWd": "0",
        "minDep": "0", "minDepArrivalConfirm": "1", "minFee": "0", "minFeeForCtAddr": "",
        "minInternal": "0", "minWd": "0", "minWdUnlockConfirm": "1", "name": currency,
        "needTag": False, "usedDepQuotaFixed": "", "usedWdQuota": "0", "wdQuota": "0",
        "wdTickSz": "8",
    }  # fmt: skip


def transfer(desk: Desk, asked: Asked) -> Reply:
    """Between the funding account (6), where money is without end, and the trading account (18)."""
    change = positive(asked["amt"], "amt")
    source = one_of(asked, "from", ("6", "18"))
    target = one_of(asked, "to", ("6", "18"))
    if source == target:
        raise Refusal("51000", "to")
    desk.exchange.transfer(str(asked["ccy"]), change if target == "18" else Decimal(-1) * change)
    return answer([{"transId": desk.venue.next_id(), "ccy": str(asked["ccy"]),
                    "clientId": text(asked, "clientId"), "from": source,
                    "amt": plain(change), "to": target}])  # fmt: skip


_BILLS = ("instType", "instId", "ccy", "mgnMode", "ctType", "type", "subType", "after", "before",
          "begin", "end", "limit")  # fmt: skip


def _call(method: str, name: str, handler: Handler, calls: int, fields: Iterable[str],
          needed: tuple[str, ...] = (), **more: Any) -> Endpoint:  # fmt: skip
    return Endpoint(method=method, name=name, handler=handler, calls=calls, private=True,
                    fields=frozenset(fields), needed=needed, **more)  # fmt: skip


ACCOUNT: tuple[Endpoint, ...] = (
    _call("GET", "account/balance", balance, 10, ("ccy",)),
    _call("GET", "account/positions", positions, 10, ("instType", "instId", "posId")),
    _call("GET", "account/positions-history", positions_history, 10,
          ("instType", "instId", "mgnMode", "type", "posId", "after", "before", "limit")),
    _call("GET", "account/config", config, 5, ()),
    _call("GET", "account/trade-fee", trade_fee, 5,
          ("instType", "instId", "uly", "instFamily", "ruleType"), ("instType",)),
    _call("GET", "account/leverage-info", leverage_info, 20, ("instId", "mgnMode", "ccy"),
          ("instId", "mgnMode")),
    _call("POST", "account/set-leverage", set_leverage, 20,
          ("instId", "ccy", "lever", "mgnMode", "posSide"), ("instId", "lever", "mgnMode"),
          trades=True),
    _call("POST", "account/set-position-mode", set_position_mode, 5, ("posMode",), ("posMode",),
          trades=True),
    _call("GET", "account/bills", bills, 10, _BILLS),
    _call("GET", "account/bills-archive", bills_archive, 5, _BILLS),
    _call("GET", "asset/currencies", currencies, 12, ("ccy",)),
    _call("POST", "asset/transfer", transfer, 4,
          ("ccy", "amt", "type", "from", "to", "subAcct", "clientId", "loanTrans", "omitPosRisk"),
          ("ccy", "amt", "from", "to"), trades=True),
)  # fmt: skip
