"""What the venue says when it refuses: its codes and their texts."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "50001": "Service temporarily unavailable. Please try again later.",
    "50002": "JSON syntax error",
    "50004": "Endpoint request timeout (does not mean that the request was successful or failed, "
    "please check the request result).",
    "50011": "Too Many Requests",
    "50014": "Parameter {0} cannot be empty.",
    "50015": "Either parameter {0} or {1} is required.",
    "50061": "Sub-account rate limit exceeded",
    "50102": "Timestamp request expired",
    "50103": 'Request header "OK-ACCESS-KEY" cannot be empty.',
    "50104": 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.',
    "50105": 'Request header "OK-ACCESS-PASSPHRASE" incorrect.',
    "50106": 'Request header "OK-ACCESS-SIGN" cannot be empty.',
    "50107": 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.',
    "50111": "Invalid OK-ACCESS-KEY",
    "50112": "Invalid OK-ACCESS-TIMESTAMP",
    "50113": "Invalid Sign",
    "50120": "This API key doesn't have permission to use this function",
    "51000": "Parameter {0} error",
    "51001": "Instrument ID or Spread ID doesn't exist.",
    "51003": "Either client order ID or order ID is required",
    "51004": "Order failed. Your position and open orders would exceed the current leverage tier.",
    "51006": "Order price is not within the price limit (max buy price: {0} min sell price: {1})",
    "51008": "Order failed. Insufficient {0} balance in account",
    "51015": "Instrument ID does not match instrument type",
    "51016": "Client order ID already exists.",
    "51020": "Your order should meet or exceed the minimum order amount.",
    "51021": "The pair or contract is not yet listed",
    "51022": "Contract suspended",
    "51023": "Position doesn't exist",
    "51024": "Trading account is blocked.",
    "51027": "Contract expired",
    "51101": "The maximum amount per order is {0}",
    "51111": "Maximum {0} orders can be placed in bulk",
    "51121": "Order quantity must be a multiple of the lot size.",
    "51169": "Order failed because you don't have any positions in this direction to reduce or close.",
    "51174": "The number of pending orders reached the upper limit of {0} (orders).",
    "51202": "Market order amount exceeds the maximum amount.",
    "51257": "Trailing order callback rate error.",
    "51277": "TP trigger price cannot be higher than the last price",
    "51278": "SL trigger price cannot be lower than the last price",
    "51279": "TP trigger price cannot be lower than the last price",
    "51280": "SL trigger price cannot be higher than the last price",
    "51328": "closeFraction is only available for reduceOnly orders",
    "51400": "Cancellation failed as the order has been filled, canceled or does not exist.",
    "51401": "Cancellation failed as the order is already canceled.",
    "51402": "Cancellation failed as the order is already completed.",
    "51500": "You must enter a price, quantity, or TP/SL",
    "51502": "Order failed. Insufficient {0} balance in account.",
    "51503": "Your order has already been filled or canceled.",
    "51509": "Modification failed as the order has been canceled.",
    "51510": "Modification failed as the order has been completed.",
    "51603": "Order does not exist",
    "54072": "This contract is currently view-only and not tradable.",
    "58350": "Insufficient balance.",
    "59000": "Setting failed. Cancel any open orders, close positions, and stop trading bots first.",
    "59102": "Leverage exceeds the maximum limit. Please lower the leverage.",
    "59103": "Leverage is too low and no sufficient margin in your account.",
    "59668": "Cancel TP/SL, trailing and trigger orders before adjusting your leverage.",
    "60004": "Invalid timestamp",
    "60005": "Invalid apiKey",
    "60006": "Timestamp request expired",
    "60007": "Invalid sign",
    "60011": "Please log in.",
    "60012": "Illegal request: {0}",
    "60014": "Requests too frequent",
    "60018": "Wrong URL or {0} doesn't exist. Please use the correct URL, channel and parameters",
    "60024": "Wrong passphrase",
}  # fmt: skip

HTTP_STATUS: Final = {
    "50001": 503, "50002": 400, "50011": 429, "50102": 401, "50103": 401, "50104": 401,
    "50105": 401, "50106": 401, "50107": 401, "50111": 401, "50112": 401, "50113": 401,
    "50120": 401,
}  # fmt: skip


class Refusal(Exception):  # noqa: N818  an answer of the venue, not a failure of ours
    """A request the venue does not carry out. `code` and `text` go out as they are."""

    def __init__(self, code: str, *values: object) -> None:
        self.code = code
        self.text = TEXTS.get(code, "Operation failed.").format(*values)
        super().__init__(f"{code}: {self.text}")

    @property
    def status(self) -> int:
        """The HTTP status that carries this code at the top of an answer."""
        return HTTP_STATUS.get(self.code, 200)
