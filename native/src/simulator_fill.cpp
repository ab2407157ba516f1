// Booking of fills: cash, positions, fees, slippage (R8, R12, R14, R22).
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "algotrader/margin.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

// Books lots of an order at one price; a flip is a close, then an open, with one minimum fee (R12).
// Returns the lots that opened.
std::int64_t Simulator::fill(std::size_t row, std::size_t index, std::int64_t lots, double price,
                             double reference, bool maker, bool inside) {
  Order& order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  const std::int64_t held = held_lots(column);
  const bool opposes = held != 0 && (held > 0) != (order.side > 0);
  const std::int64_t closing = opposes ? std::min(lots, std::abs(held)) : 0;
  const std::int64_t opening = lots - closing;
  if (closing > 0) book(row, order, closing, price, reference, maker, false);
  if (opening > 0) book(row, order, opening, price, reference, maker, true);
  order.lots -= lots;
  order.filled += lots;
  if (order.group >= 0) {
    for (GroupLeg& leg : state_.legs) {
      if (leg.order == order.id) leg.filled += lots;
    }
  }
  const bool complete =
      order.follows ? held_lots(column) == 0 : order.lots <= 0 && !order.size_at_fill;
  if (complete) finish(order, OrderState::Filled);
  // From here on new legs may move the orders in memory: by index only.
  if (closing > 0) after_reduction(index, held > 0 ? 1 : -1);
  if (opening > 0) after_opening(index, opening, price, maker, inside);
  return opening;
}

void Simulator::book(std::size_t row, Order& order, std::int64_t lots, double price,
                     double reference, bool maker, bool opening) {
  const auto column = static_cast<std::size_t>(order.instrument);
  const Instrument& instrument = instruments_[column];
  Position& position = state_.positions[column];
  const double quantity = static_cast<double>(lots) * instrument.lot;
  const double signed_quantity = order.side * quantity;
  const double notional = notional_of(instrument, quantity, price);
  const double rate = maker ? instrument.maker_fee : instrument.taker_fee;
  const bool fee_in_coin = instrument.is_spot() && instrument.fee_in_received && order.side > 0;

  double fee = notional * rate;
  if (!fee_in_coin) {  // R14: max(minimum, sum over the order's fills), none on rebates
    order.fee_sum += fee;
    if (rate > 0.0) fee = order_fee(order.fee_sum, rate, instrument.min_fee) - order.fee_charged;
    order.fee_charged += fee;
    state_.cash -= fee;
  }

  const double before = position.quantity;
  if (opening) {
    const double added = fee_in_coin ? quantity * (1.0 - rate) : quantity;
    const double held = held_lots(column) == 0 ? 0.0 : std::abs(before);  // dust is flat (R9)
    if (held == 0.0) {
      position.entry = price;
    } else if (instrument.kind == InstrumentKind::Inverse) {
      position.entry = (held + added) / (held / position.entry + added / price);
    } else {
      position.entry = (held * position.entry + added * price) / (held + added);
    }
    if (instrument.is_derivative() && settings_.margin_mode == MarginMode::Isolated) {
      position.margin += notional / instrument.leverage;  // R11
    }
  } else if (instrument.is_derivative()) {
    state_.cash += profit_of(instrument, -signed_quantity, position.entry, price);
  }
  if (instrument.is_spot()) state_.cash -= order.side * notional;
  position.lots += order.side * lots;
  if (fee_in_coin) position.taken += quantity * rate;
  position.quantity = static_cast<double>(position.lots) * instrument.lot - position.taken;
  if (!opening && instrument.is_derivative()) {
    position.margin = position.lots == 0 ? 0.0 : position.margin * (position.quantity / before);
  }
  quantities_[column] = position.quantity;

  Fill& row_of_fills = state_.fills.emplace_back();
  row_of_fills.row = static_cast<std::int64_t>(row);
  row_of_fills.instrument = order.instrument;
  row_of_fills.order = order.id;
  row_of_fills.quantity = signed_quantity;
  row_of_fills.price = price;
  row_of_fills.fee = fee;
  row_of_fills.slippage = std::abs(profit_of(instrument, quantity, reference, price));
  row_of_fills.maker = maker;
  row_of_fills.reason = order.reason;
  row_of_fills.opening = opening;
  if (order.protective) {
    row_of_fills.opener = order.opener;
    row_of_fills.generation = order.generation;
  }
}

// Liquidation and delisting: the whole position at one price, outside every order.
void Simulator::close_out(std::size_t row, std::size_t column, double price, double fee,
                          FillReason reason) {
  const Instrument& instrument = instruments_[column];
  Position& position = state_.positions[column];
  Fill& row_of_fills = state_.fills.emplace_back();
  row_of_fills.row = static_cast<std::int64_t>(row);
  row_of_fills.instrument = static_cast<std::int64_t>(column);
  row_of_fills.quantity = -position.quantity;
  row_of_fills.price = price;
  row_of_fills.fee = fee;
  row_of_fills.reason = reason;
  if (instrument.is_spot()) {
    state_.cash += position.quantity * instrument.multiplier * price - fee;
  } else {
    state_.cash += profit_of(instrument, position.quantity, position.entry, price) - fee;
  }
  position = Position{};
  quantities_[column] = 0.0;
}

// R22, with the impact term only where its history is known.
double Simulator::slippage_at(std::size_t row, std::size_t column, double lots) {
  const bool moves_price = has_impact_ && instruments_[column].impact > 0.0 && lots > 0.0;
  const bool known = moves_price && given(impact_->sigma_at(row, column)) &&
                     impact_->volume_at(row, column) > 0.0;
  if (moves_price && !known) count(Counter::ImpactSkipped);
  return slippage_of(row, column, lots);
}

double Simulator::slippage_of(std::size_t row, std::size_t column, double lots) const {
  const Instrument& instrument = instruments_[column];
  if (!has_impact_ || instrument.impact <= 0.0) {
    return slippage_fraction(instrument, 0.0, kNone, kNone);
  }
  return slippage_fraction(instrument, lots * instrument.lot, impact_->sigma_at(row, column),
                           impact_->volume_at(row, column));
}

// Lots that participation still leaves in this bar (R20).
double Simulator::room_left(std::size_t row, std::size_t column) {
  double& room = state_.room[column];
  if (room >= 0.0) return room;
  const Instrument& instrument = instruments_[column];
  const double volume = panel_.at(panel_.volume, row, column);
  if (settings_.close_only || instrument.participation <= 0.0 || std::isnan(volume)) {
    room = kInfinity;
  } else {
    room = std::trunc(instrument.participation * volume / instrument.lot + kLotSlack);
  }
  return room;
}

void Simulator::finish(Order& order, OrderState state) {
  if (order.done) return;
  order.done = true;
  if (order.reason == FillReason::Target) {
    state_.targets[static_cast<std::size_t>(order.instrument)].working = false;
  }
  if (order.id >= 0 && !order.protective) state_.endings.emplace_back(order.id, state);
  if (order.group < 0) return;
  for (GroupLeg& leg : state_.legs) {
    if (leg.order == order.id) leg.state = state;
  }
}

// R12: what a spot sell or a reduce-only order asks beyond the position is cancelled, and counted.
void Simulator::cut_reduction(Order& order) {
  if (!order.protective && !order.done) count(Counter::ReduceOnlyCut);
  finish(order, OrderState::Cancelled);
}

// R19: bars of the instrument are counted from the next one on.
void Simulator::block_entries(std::size_t column, int sign) {
  may_block_ = true;
  state_.targets[column].blocked = sign;
  state_.targets[column].blocked_bars = 0;
}

}  // namespace algotrader
