// What a driver that keeps a venue of its own asks beside explicit requests: orders of targets by
// number, protection by instrument, and what became of both.
#include <algorithm>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

// An order of a target as place_target() makes it, under a number of its own (R10, R13).
std::int64_t Simulator::work(std::size_t row, const Work& work) {
  const auto column = static_cast<std::size_t>(work.instrument);
  const double lot = instruments_[column].lot;
  const auto number = static_cast<std::int64_t>(order_states_.size());
  Order order;
  order.id = number;
  order.decided = static_cast<std::int64_t>(row);
  order.instrument = static_cast<std::int32_t>(work.instrument);
  order.side = static_cast<std::int8_t>(work.side);
  order.lots = static_cast<std::int64_t>(whole_lots(work.quantity / lot));
  order.wanted = static_cast<std::int64_t>(whole_lots(work.wanted / lot));
  order.reason = FillReason::Target;
  order.capped = work.capped;
  order.reference = last_close_[column];
  order.reduce_only = work.reduce_only;
  order.tif = work.tif;
  const bool refused = !panel_.has_bar(row, column) || !listed(row, column) || order.lots <= 0;
  order_states_.push_back(refused ? OrderState::Denied : OrderState::Working);
  order_instruments_.push_back(work.instrument);
  if (refused) {
    ended_.push_back(number);
    return number;
  }
  order.age = state_.age++;
  state_.targets[column].working = true;
  state_.orders.push_back(order);
  return number;
}

// R19, for what is held of one instrument; the settings' protection counts no more.
void Simulator::set_protection(std::size_t column, const Protection& protection) {
  if (own_protection_.empty()) own_protection_.resize(panel_.columns);
  own_protection_[column] = protection;
  may_block_ |= protection.given_any();
}

// What is held is protected anew, a trail restarting at the last close (R19).
void Simulator::protect(std::size_t column, std::int64_t opener) {
  if (!protection_of(column).given_any() || has_legs(column, kPositionLevel)) return;
  protect_position(column, last_close_[column], false, opener, 0);
}

void Simulator::cancel_guard(const Guard& guard) {
  for (Order& leg : state_.orders) {
    const bool same = leg.protective && leg.opener == guard.opener &&
                      leg.generation == guard.generation && leg.reason == guard.reason &&
                      leg.instrument == guard.instrument;
    if (same) finish(leg, OrderState::Cancelled);
  }
  forget_done_orders();
}

std::vector<Guard> Simulator::guards() const {
  std::vector<Guard> found;
  for (const Order& leg : state_.orders) {
    if (leg.done || !leg.protective) continue;
    found.push_back({leg.opener, leg.generation, leg.reason, leg.instrument, leg.triggered});
  }
  return found;
}

}  // namespace algotrader
