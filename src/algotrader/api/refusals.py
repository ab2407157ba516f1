"""What somebody asked for and was refused, or what failed: it is written down as what was done is.

Of the answer its code alone is kept, of the request what its address names: a body may hold secrets.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from starlette.requests import HTTPConnection

from algotrader.api.serving import serving_of
from algotrader.core.errors import AlgotraderError

log = logging.getLogger(__name__)
_LONGEST: Final = 200  # of what an address names

ACTIONS: Final[Mapping[str, str]] = {
    "halt": "halt", "flatten": "flatten", "resume": "resume", "set_limit": "change a limit",
    "place_order": "place an order", "amend_order": "amend an order",
    "cancel_order": "cancel an order", "stop_strategy": "stop", "start_strategy": "start",
    "load_strategy": "load", "unload_strategy": "unload", "set_parameters": "set parameters",
    "upload_strategy": "load a strategy's file", "reload": "reload settings",
    "start_backtest": "start work", "start_sweep": "start work", "start_walkforward": "start work",
    "start_parity": "start work", "start_check": "start work", "start_download": "start work",
    "start_repair": "start work", "start_strategy_check": "start work",
    "cancel_work": "cancel work", "put_person": "change a person",
    "delete_person": "remove a person", "delete_session": "end a session",
    "make_token": "make a token", "delete_token": "end a token", "sign_out": "sign out",
    "change_password": "change password", "begin_code": "begin with a code",
    "confirm_code": "ask for a code", "remove_code": "ask for no code",
}  # fmt: skip
"""By the name of the route, as it is written down where it is done."""
NO_ACTION: Final = frozenset({"preview_change", "preview_order", "sign_in", "use_link"})
"""Changes nothing; signing in writes down its own refusals."""


def note_refusal(request: HTTPConnection, status: int, code: str) -> None:
    """Nothing where nobody is known, where nothing was to be done, or the route wrote it down."""
    route = request.scope.get("route")
    action = ACTIONS.get(getattr(route, "name", ""))
    caller = getattr(request.state, "caller", None)
    if action is None or caller is None or getattr(request.state, "is_noted", False):
        return
    about = ", ".join(str(one) for one in request.path_params.values())[:_LONGEST]
    outcome = "failed" if status >= 500 else "refused"
    try:
        serving_of(request).access.note(
            caller, action, about, outcome=outcome, says=f"{status} {code}"
        )
    except AlgotraderError as error:  # the answer itself says more
        log.error("a refusal could not be written down: %s", error.message)
