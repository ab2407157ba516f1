// Brackets: the stop, the target and the trail that guard what was opened (R16, R18, R19).
#include <algorithm>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

void Simulator::after_opening(std::size_t index, std::int64_t lots, double price, bool maker,
                              bool inside) {
  const auto column = static_cast<std::size_t>(state_.orders[index].instrument);
  if (protection_of(column).given_any()) {
    if (has_legs(column, kPositionLevel)) {
      rebase_legs(column, kPositionLevel, state_.positions[column].entry, 0);
    } else {
      const std::int64_t generation = state_.orders[index].generations++;
      protect_position(column, price, inside, state_.orders[index].id, generation);
    }
  }
  Order& order = state_.orders[index];
  if (!order.gives_protection()) return;
  const Instrument& instrument = instruments_[column];
  const bool fee_in_coin = instrument.is_spot() && instrument.fee_in_received && order.side > 0;
  const double rate = maker ? instrument.maker_fee : instrument.taker_fee;
  const double quantity = static_cast<double>(lots) * instrument.lot *
                          (fee_in_coin ? 1.0 - rate : 1.0);
  const bool guarded = has_legs(column, order.id);
  if (!guarded) {
    order.opened = order.opened_value = 0.0;  // what was opened before is gone
    ++order.generations;
  }
  order.opened += quantity;
  order.opened_value += quantity * price;
  if (guarded) {
    rebase_legs(column, order.id, order.opened_value / order.opened, lots_opened(order));
  } else {
    protect_order(index, price, inside);
  }
}

// R19: a stop that is reached, or a target's first fill, is the exit. It cancels the entry's rest,
// and what it guarded is not entered again. `sign` is the position's.
void Simulator::begin_exit(std::size_t index, int sign) {
  const Order& order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  if (serves_venue_ && order.triggered) {
    state_.guard_news.push_back({order.opener, order.generation, order.reason, order.instrument, true});
  }
  for (Order& entry : state_.orders) {
    if (entry.done || entry.protective || entry.instrument != order.instrument) continue;
    const bool target = entry.reason == FillReason::Target && entry.side == sign;
    if (target || (entry.id >= 0 && entry.id == order.bracket)) {
      finish(entry, OrderState::Cancelled);
    }
  }
  block_entries(column, sign);
}

// A position went down by an order; `sign` is the position's before.
void Simulator::after_reduction(std::size_t index, int sign) {
  const Order order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  if (order.protective && !order.triggered) begin_exit(index, sign);
  if (order.protective && !order.follows) {  // one cancels the other, as far as it was filled
    for (Order& sibling : state_.orders) {
      const bool same = sibling.protective && !sibling.done && sibling.bracket == order.bracket &&
                        sibling.instrument == order.instrument && sibling.age != order.age;
      if (!same) continue;
      sibling.lots = order.lots;
      if (order.lots <= 0) finish(sibling, OrderState::Cancelled);
    }
  }
  const std::int64_t held = held_lots(column);
  if (held == 0 || (held > 0) != (sign > 0)) cancel_legs(column);
}

// R19, of a `targets` strategy: fractions of the average entry, size follows the position.
const Protection& Simulator::protection_of(std::size_t column) const {
  return own_protection_.empty() ? protection_ : own_protection_[column];
}

void Simulator::protect_position(std::size_t column, double best, bool inside, std::int64_t opener,
                                 std::int64_t generation) {
  const std::int64_t held = held_lots(column);
  if (held == 0) return;
  Order leg;
  leg.instrument = static_cast<std::int32_t>(column);
  leg.side = held > 0 ? -1 : 1;
  leg.follows = true;
  leg.inside = inside;
  leg.bracket = kPositionLevel;
  leg.opener = opener;
  leg.generation = generation;
  const Protection protection = protection_of(column);
  add_legs(leg, state_.positions[column].entry, best, protection.stop_loss,
           protection.take_profit, protection.trailing);
}

// R19, of an order: protects the quantity that it opened, at fractions of its average fill.
void Simulator::protect_order(std::size_t index, double price, bool inside) {
  const Order order = state_.orders[index];
  Order leg;
  leg.instrument = order.instrument;
  leg.side = static_cast<std::int8_t>(-order.side);
  leg.lots = lots_opened(order);
  leg.inside = inside;
  leg.bracket = order.id;
  leg.opener = order.id;
  leg.generation = order.generations - 1;
  add_legs(leg, price, price, order.stop_loss, order.take_profit, order.trailing);
}

void Simulator::add_legs(Order leg, double entry, double best, double stop_loss,
                         double take_profit, double trailing) {
  leg.protective = true;
  leg.reduce_only = true;
  leg.fresh = false;  // on the book from the fill on
  const auto column = static_cast<std::size_t>(leg.instrument);
  const auto add = [&](OrderKind kind, FillReason reason) -> Order& {
    leg.kind = kind;
    leg.reason = reason;
    leg.age = state_.age++;
    state_.orders.push_back(leg);
    if (serves_venue_) {
      state_.guard_news.push_back({leg.opener, leg.generation, reason, leg.instrument, false});
    }
    return state_.orders.back();
  };
  if (given(stop_loss)) add(OrderKind::Stop, FillReason::StopLoss).stop_loss = stop_loss;
  if (given(trailing)) {
    Order& trail = add(OrderKind::TrailingStop, FillReason::Trailing);
    trail.trail = trailing;
    move_trail(trail, best, instruments_[column].tick);  // on the book from the fill on
  }
  if (given(take_profit)) {
    add(OrderKind::Limit, FillReason::TakeProfit).take_profit = take_profit;
  }
  rebase_legs(column, leg.bracket, entry, 0);
}

// Levels follow the average entry when something is added; a trail only follows the price (R18).
void Simulator::rebase_legs(std::size_t column, std::int64_t bracket, double entry,
                            std::int64_t lots) {
  const double tick = instruments_[column].tick;
  for (Order& leg : state_.orders) {
    if (leg.done || !leg.protective || leg.bracket != bracket ||
        static_cast<std::size_t>(leg.instrument) != column) {
      continue;
    }
    if (lots > 0) leg.lots = lots;
    const double away = leg.side < 0 ? -1.0 : 1.0;  // a long's stop is below, its target above
    if (leg.reason == FillReason::StopLoss) {
      leg.stop = round_stop(entry * (1.0 + away * leg.stop_loss), tick, leg.side);
    } else if (leg.reason == FillReason::TakeProfit) {
      leg.limit = round_limit(entry * (1.0 - away * leg.take_profit), tick, leg.side);
    }
  }
}

// Whole lots that an order opened, after fees in the coin.
std::int64_t Simulator::lots_opened(const Order& order) const {
  const double lot = instruments_[static_cast<std::size_t>(order.instrument)].lot;
  return static_cast<std::int64_t>(whole_lots(order.opened / lot));
}

bool Simulator::has_legs(std::size_t column, std::int64_t bracket) const {
  return std::any_of(state_.orders.begin(), state_.orders.end(), [&](const Order& leg) {
    return !leg.done && leg.protective && leg.bracket == bracket &&
           static_cast<std::size_t>(leg.instrument) == column;
  });
}

// No stop outlives its position. `position_only` leaves brackets of explicit orders alone.
void Simulator::cancel_legs(std::size_t column, bool position_only) {
  for (Order& leg : state_.orders) {
    if (position_only && leg.bracket != kPositionLevel) continue;
    if (leg.protective && static_cast<std::size_t>(leg.instrument) == column) {
      finish(leg, OrderState::Cancelled);
    }
  }
}

// One cancels the other: a stop that is reached ends the rest of its bracket.
void Simulator::cancel_siblings(std::size_t index) {
  const Order& order = state_.orders[index];
  for (std::size_t k = 0; k < state_.orders.size(); ++k) {
    Order& leg = state_.orders[k];
    if (k != index && leg.protective && leg.bracket == order.bracket &&
        leg.instrument == order.instrument) {
      finish(leg, OrderState::Cancelled);
    }
  }
}

}  // namespace algotrader
