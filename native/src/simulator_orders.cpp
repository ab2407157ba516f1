// Step 8 of R7 for explicit orders: admission, cancels, amendments (R3, R9, R28, R36).
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

std::int64_t Simulator::request(std::size_t row, const Request& request) {
  std::int64_t number = -1;
  switch (request.kind) {
    case RequestKind::Order:
      number = place_order(row, request);
      break;
    case RequestKind::Target:
      queued_.push_back(request);
      break;
    case RequestKind::Cancel:
      cancel_order(request.order);
      break;
    case RequestKind::Amend:
      amend_order(request);
      break;
  }
  publish_endings();
  forget_done_orders();
  return number;
}

std::int64_t Simulator::place_order(std::size_t row, const Request& request) {
  const auto number = static_cast<std::int64_t>(order_states_.size());
  Order order;
  order.id = number;
  order.group = request.group;
  order.decided = static_cast<std::int64_t>(row);
  order.instrument = static_cast<std::int32_t>(request.instrument);
  order.side = static_cast<std::int8_t>(request.side);
  const OrderState admitted = admit(row, request, order);
  order_states_.push_back(admitted);
  order_instruments_.push_back(request.instrument);
  if (request.group >= 0 && !serves_venue_) join_group(row, order, admitted);
  if (admitted != OrderState::Working) ended_.push_back(number);
  if (admitted == OrderState::Working) {
    order.age = state_.age++;
    state_.orders.push_back(order);
  }
  return number;
}

// Fills in the working order; says DENIED where our own rules refuse it.
OrderState Simulator::admit(std::size_t row, const Request& request, Order& order) {
  const auto column = static_cast<std::size_t>(request.instrument);
  const Instrument& instrument = instruments_[column];
  const auto deny = [&](Counter reason) {
    count(reason);
    return OrderState::Denied;
  };
  if (!panel_.has_bar(row, column) || !listed(row, column)) return deny(Counter::NoBar);  // R3
  const double close = last_close_[column];
  order.limit = given(request.limit) ? round_limit(request.limit, instrument.tick, request.side)
                                     : kNone;
  order.stop = given(request.stop) ? round_stop(request.stop, instrument.tick, request.side)
                                   : kNone;
  order.trail = request.trail;
  order.kind = given(request.trail)                                ? OrderKind::TrailingStop
               : given(request.limit) && given(request.stop) ? OrderKind::StopLimit
               : given(request.limit)                              ? OrderKind::Limit
               : given(request.stop)                               ? OrderKind::Stop
                                                                   : OrderKind::Market;
  order.tif = request.tif;
  order.expires_at = request.expires_at;
  order.post_only = request.post_only;
  order.reduce_only = request.reduce_only;
  order.tag = request.tag;
  order.stop_loss = request.stop_loss;
  order.take_profit = request.take_profit;
  order.trailing = request.trailing;
  order.session = session_of(std::min(row + 1, panel_.rows - 1), column);  // R21

  double lots = 0.0;
  if (given(request.quantity)) {
    lots = whole_lots(request.quantity / instrument.lot);
  } else if (given(request.weight)) {
    lots = lots_from_weight(instrument, request.weight * instrument.size_share, sizing_equity(),
                            close);
  } else {
    lots = whole_lots(request.value / lot_value(instrument, close));
  }
  if (std::isnan(lots)) return deny(Counter::DeniedLimit);  // R9: more than 2^53
  const std::int64_t held = held_lots(column);
  const bool opposes = held != 0 && (held > 0) != (request.side > 0);
  const bool from_flat = held == 0 && !request.reduce_only;
  if (settings_.size_at == SizeAt::Fill && given(request.weight) && from_flat && equity_ > 0.0 &&
      order.kind == OrderKind::Market && (instrument.is_derivative() || request.side > 0)) {
    order.size_at_fill = true;  // R33
    order.weight = request.weight * instrument.size_share;
    if (order.weight > settings_.max_weight) return deny(Counter::DeniedLimit);  // R28
    return OrderState::Working;
  }
  order.lots = static_cast<std::int64_t>(lots);
  const double price = given(order.limit) ? order.limit : (given(order.stop) ? order.stop : close);
  if (order.lots <= 0 || below_minimum(instrument, lots * instrument.lot, price)) {
    return deny(Counter::BelowMinimum);
  }
  const bool increases = !order.reduce_only && !(instrument.is_spot() && request.side < 0) &&
                         (!opposes || order.lots > std::abs(held));
  if (increases && (equity_ <= 0.0 || over_limit(column, order))) {
    return deny(Counter::DeniedLimit);  // R8, R28
  }
  return OrderState::Working;
}

// R28: would the position be over a limit once this order is filled?
bool Simulator::over_limit(std::size_t column, const Order& order) const {
  const Instrument& instrument = instruments_[column];
  const double lots = std::abs(static_cast<double>(held_lots(column)) +
                               order.side * static_cast<double>(order.lots));
  const double price = last_close_[column];
  constexpr double slack = 1.0 + 1e-12;
  return lots * lot_value(instrument, price) > settings_.max_weight * equity_ * slack ||
         quote_notional(instrument, lots * instrument.lot, price) > settings_.max_notional * slack;
}

void Simulator::cancel_order(std::int64_t number) {
  for (Order& order : state_.orders) {
    if (order.id == number && !order.protective) finish(order, OrderState::Cancelled);
  }
}

// An amended order arrives at the book anew: its age is renewed (R7), its next bar is its first.
void Simulator::amend_order(const Request& request) {
  const auto found =
      std::find_if(state_.orders.begin(), state_.orders.end(), [&](const Order& order) {
        return order.id == request.order && !order.protective && !order.done;
      });
  if (found == state_.orders.end()) return;
  Order order = *found;
  const Instrument& instrument = instruments_[static_cast<std::size_t>(order.instrument)];
  if (given(request.limit) && given(order.limit)) {
    order.limit = round_limit(request.limit, instrument.tick, order.side);
  }
  if (given(request.stop) && given(order.stop) && order.kind != OrderKind::TrailingStop) {
    order.stop = round_stop(request.stop, instrument.tick, order.side);
  }
  if (given(request.quantity)) {
    const double total = whole_lots(request.quantity / instrument.lot);
    const double close = last_close_[static_cast<std::size_t>(order.instrument)];
    const bool too_small = total > 0.0 && below_minimum(instrument, total * instrument.lot, close);
    if (std::isnan(total) || too_small) return count(Counter::BelowMinimum);
    order.lots = static_cast<std::int64_t>(total) - order.filled;
    for (GroupLeg& leg : state_.legs) {
      if (leg.order == order.id) leg.total = static_cast<std::int64_t>(total);
    }
    if (order.lots <= 0) {
      finish(*found, order.filled > 0 ? OrderState::Filled : OrderState::Cancelled);
      return;
    }
  }
  order.age = state_.age++;
  order.fresh = true;
  state_.orders.erase(found);
  state_.orders.push_back(order);
}

}  // namespace algotrader
