// Step 5 of R7: what executes at the open. Reductions of all instruments first, then increases
// with one common factor where cash does not pay for all of them (R11).
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "algotrader/margin.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

void Simulator::open_phase(std::size_t row) {
  plan_.clear();
  plan_open(row, plan_);
  for (Execution& execution : plan_) reduce_at_open(row, execution);
  for (Execution& execution : plan_) size_at_fill(execution);
  increase_at_open(row, plan_);
  end_open(row);
}

void Simulator::plan_open(std::size_t row, std::vector<Execution>& plan) {
  for (std::size_t index = 0; index < state_.orders.size(); ++index) {
    Order& order = state_.orders[index];
    const auto column = static_cast<std::size_t>(order.instrument);
    if (order.done || !panel_.has_bar(row, column)) continue;
    Execution execution;
    execution.index = index;
    const bool arrives = order.fresh;
    order.fresh = false;
    if (order.kind == OrderKind::TrailingStop && !order.triggered) {
      move_trail(order, open_of(row, column), instruments_[column].tick);
    }
    if (!tradable(row, column)) continue;  // R20: no fill, no trigger, no rejection
    if (reaches_at_open(row, order, arrives, execution)) {
      plan.push_back(execution);
    }
  }
}

// R15: a post-only order that would take where it arrives is rejected.
bool Simulator::refuse_post_only(Order& order) {
  if (!order.post_only) return false;
  finish(order, OrderState::Rejected);
  count(Counter::PostOnlyRejected);
  return true;
}

// Does the order execute at this open, and at what price? Stops and trails trigger here.
bool Simulator::reaches_at_open(std::size_t row, Order& order, bool arrives,
                                Execution& execution) {
  const auto column = static_cast<std::size_t>(order.instrument);
  const double tick = instruments_[column].tick;
  const double open = open_of(row, column);
  execution.reference = open;
  if (order.guards_nothing()) return false;
  if (order.acts_as_market()) return true;
  if (order.is_stop() && !order.triggered) {
    const int gap = compare_prices(open, order.stop, tick);
    if (order.side > 0 ? gap < 0 : gap > 0) return false;
    order.triggered = true;
    if (order.protective) {
      cancel_siblings(execution.index);
      begin_exit(execution.index, -order.side);
    }
    if (order.kind != OrderKind::StopLimit) return true;
    arrives = true;  // R14: it arrives at that price
  }
  const int gap = order.side * compare_prices(open, order.limit, tick);
  if (arrives) {
    if (gap > 0 || refuse_post_only(order)) return false;
    execution.price = clamp_to_limit(order, round_fill(open, tick, order.side));
    execution.reference = execution.price;  // R22: limits have no slippage
    return true;
  }
  if (gap >= 0) return false;  // R15: not through
  execution.maker = true;
  const bool at_open = settings_.gap_fill == GapFill::Open ||
                       (settings_.gap_fill == GapFill::ByVenue && auction(column));
  execution.price = at_open ? clamp_to_limit(order, round_fill(open, tick, order.side)) : order.limit;
  execution.reference = execution.price;
  return true;
}

// An off-tick open rounded adversely must not be worse than the limit.
double Simulator::clamp_to_limit(const Order& order, double price) {
  return order.side > 0 ? std::min(price, order.limit) : std::max(price, order.limit);
}

// R18: the best price moves by the current open; the level follows and never loosens.
void Simulator::move_trail(Order& order, double price, double tick) {
  order.best = given(order.best) ? better_of(order.side, order.best, price) : price;
  order.stop = round_stop(order.best * (order.side < 0 ? 1.0 - order.trail : 1.0 + order.trail),
                          tick, order.side);
}

// R13: an increase of a target fills only if the open moved by slippage is inside the cap.
bool Simulator::inside_cap(const Order& order, double price) const {
  if (!order.capped) return true;
  const auto column = static_cast<std::size_t>(order.instrument);
  const double tick = instruments_[column].tick;
  const double cap = round_limit(
      order.reference * (1.0 + order.side * settings_.cap_bps / 1e4), tick, order.side);
  return order.side * compare_prices(price, cap, tick) <= 0;
}

// The price of a market order of this size (R22), rounded adversely (R9).
void Simulator::set_price(std::size_t row, Execution& execution, double lots) {
  if (given(execution.price)) return;
  const Order& order = state_.orders[execution.index];
  const auto column = static_cast<std::size_t>(order.instrument);
  const double slipped =
      execution.reference * (1.0 + order.side * slippage_at(row, column, lots));
  execution.price = round_fill(slipped, instruments_[column].tick, order.side);
}

void Simulator::reduce_at_open(std::size_t row, Execution& execution) {
  Order& order = state_.orders[execution.index];
  if (order.done) return;
  const auto column = static_cast<std::size_t>(order.instrument);
  const std::int64_t held = held_lots(column);
  const bool opposes = held != 0 && (held > 0) != (order.side > 0);
  const bool only_reduces =
      order.reduce_only || (instruments_[column].is_spot() && order.side < 0);
  if (order.follows) order.lots = std::abs(held);
  if (order.size_at_fill) {  // R33: what a target finds held of the other sign goes first
    order.lots = order.reason == FillReason::Target && opposes ? std::abs(held) : 0;
    if (order.lots == 0) return;
  }
  clamp_to_wanted(order);
  if (order.done) return;
  if (!opposes) {
    if (only_reduces) return cut_reduction(order);
    execution.opening = order.lots;
    return;
  }
  const std::int64_t closing = std::min(order.lots, std::abs(held));
  const std::int64_t wanted = only_reduces ? closing : order.lots;
  const double room = room_left(row, column);
  if (order.tif == TimeInForce::FOK && static_cast<double>(wanted) > room) return;  // R20
  set_price(row, execution, std::min(static_cast<double>(wanted), room));
  const auto lots = static_cast<std::int64_t>(std::min(static_cast<double>(closing), room));
  if (lots > 0) {
    state_.room[column] -= static_cast<double>(lots);
    fill(row, execution.index, lots, execution.price, execution.reference, execution.maker, false);
    execution.closed = true;
  }
  Order& after = state_.orders[execution.index];
  if (after.done || lots < closing) return;
  if (only_reduces) return cut_reduction(after);
  execution.opening = after.lots;
}

// R10: an order of a target never goes past the wanted quantity, whatever else moved the position.
void Simulator::clamp_to_wanted(Order& order) {
  if (order.reason != FillReason::Target || order.protective || order.size_at_fill) return;
  const auto column = static_cast<std::size_t>(order.instrument);
  const double lot = instruments_[column].lot;
  const double missing =
      order.wanted == 0
          ? -static_cast<double>(held_lots(column))
          : whole_lots(static_cast<double>(order.wanted) - state_.positions[column].quantity / lot);
  const double left = order.side * missing;
  if (left < static_cast<double>(order.lots)) order.lots = static_cast<std::int64_t>(left);
  if (order.lots <= 0) finish(order, OrderState::Cancelled);
}

// R33: from flat, the quantity that cash pays for at the fill's own price.
void Simulator::size_at_fill(Execution& execution) {
  Order& order = state_.orders[execution.index];
  if (order.done || !order.size_at_fill) return;
  const auto column = static_cast<std::size_t>(order.instrument);
  if (held_lots(column) != 0) return;  // its closing part is not done
  const Instrument& instrument = instruments_[column];
  const double fraction = slippage_fraction(instrument, 0.0, kNone, kNone);
  const double guess = round_fill(execution.reference * (1.0 + order.side * fraction),
                                  instrument.tick, order.side);
  const double cash = state_.cash * (1.0 - settings_.cash_buffer);
  const double paid = whole_lots(order.weight * cash /
                                 (lot_value(instrument, guess) * (1.0 + instrument.taker_fee)));
  const double lots = std::min(paid, most_lots(column, guess));  // R28
  const bool too_small = !(lots > 0.0) || below_minimum(instrument, lots * instrument.lot, guess);
  if (too_small) {
    count(Counter::BelowMinimum);
    finish(order, order.id >= 0 ? OrderState::Rejected : OrderState::Cancelled);
    return;
  }
  order.lots = static_cast<std::int64_t>(lots);
  execution.opening = order.lots;
}

// The size found at the fill is the order's from now on.
void Simulator::keep_size(Order& order) {
  if (!order.size_at_fill) return;
  order.size_at_fill = false;
  order.wanted = order.side * order.lots;
  for (GroupLeg& leg : state_.legs) {
    if (order.group >= 0 && leg.order == order.id) leg.total = order.lots;
  }
}

Increase Simulator::increase_of(const Order& order, double lots, double price, bool maker) const {
  const Instrument& instrument = instruments_[static_cast<std::size_t>(order.instrument)];
  const double notional = notional_of(instrument, lots * instrument.lot, price);
  const bool coin = instrument.is_spot() && instrument.fee_in_received && order.side > 0;
  Increase increase;
  increase.principal = instrument.is_spot() ? notional : notional / instrument.leverage;
  increase.fee_base = coin ? 0.0 : notional;
  increase.fee_rate = maker ? instrument.maker_fee : instrument.taker_fee;
  increase.fee_minimum = instrument.min_fee;
  increase.fee_sum = order.fee_sum;
  increase.fee_charged = order.fee_charged;
  return increase;
}

// R11: what is free at the open's marks.
double Simulator::free_cash(std::size_t row) const {
  double free = state_.cash;
  if (!has_derivatives_) return free;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const Instrument& instrument = instruments_[column];
    const Position& position = state_.positions[column];
    if (instrument.is_spot() || position.quantity == 0.0) continue;
    if (settings_.margin_mode == MarginMode::Isolated) {
      free -= position.margin;
      continue;
    }
    const double mark = settings_.close_only ? mark_at_close(row, column) : mark_at_open(row, column);
    free += profit_of(instrument, position.quantity, position.entry, mark);
    free -= notional_of(instrument, position.quantity, mark) / instrument.leverage;
  }
  return free;
}

// Increases in the order of age: room first, then cash, with one common factor (R7, R11).
void Simulator::increase_at_open(std::size_t row, std::vector<Execution>& plan) {
  std::vector<Execution*>& takers = takers_;
  takers.clear();
  for (Execution& execution : plan) {
    Order& order = state_.orders[execution.index];
    if (order.done || execution.opening <= 0) continue;
    clamp_to_wanted(order);
    if (order.done) continue;
    execution.opening = std::min(execution.opening, order.lots);
    const auto column = static_cast<std::size_t>(order.instrument);
    const double room = room_left(row, column);
    const double wanted = static_cast<double>(execution.opening);
    if (order.tif == TimeInForce::FOK && wanted > room) continue;
    const double lots = std::min(wanted, room);
    if (lots > 0.0) set_price(row, execution, lots);
    if (lots <= 0.0 || !inside_cap(order, execution.price)) {
      if (order.size_at_fill) order.lots = 0;  // sized anew at the next open
      continue;  // R13: waits, taking neither cash nor room
    }
    keep_size(order);
    state_.room[column] -= lots;  // R11: participation is taken before the cut of cash
    execution.opening = static_cast<std::int64_t>(lots);
    takers.push_back(&execution);
  }
  if (takers.empty()) return;
  const double free = free_cash(row);
  const double factor = factor_for(free, takers);
  if (factor < 1.0) count(Counter::CashCut);
  allowed_.clear();
  for (const Execution* execution : takers) {
    const Order& order = state_.orders[execution->index];
    allowed_.push_back(cut_lots(instruments_[static_cast<std::size_t>(order.instrument)],
                                execution->opening, factor, execution->price));
  }
  if (factor < 1.0) share_group_factors(takers, allowed_);
  for (std::size_t k = 0; k < takers.size(); ++k) open_at(row, *takers[k], allowed_[k]);
}

double Simulator::factor_for(double free, std::vector<Execution*>& takers) {
  std::vector<Increase>& costs = inside_;
  const auto gather = [&] {
    costs.clear();
    for (const Execution* execution : takers) {
      costs.push_back(increase_of(state_.orders[execution->index],
                                  static_cast<double>(execution->opening), execution->price,
                                  execution->maker));
    }
  };
  gather();
  if (affordable(costs, free)) return 1.0;
  const auto is_fok = [&](const Execution* execution) {
    Order& order = state_.orders[execution->index];
    if (order.tif != TimeInForce::FOK) return false;
    finish(order, OrderState::Expired);
    count(Counter::FokKilled);
    return true;
  };
  std::erase_if(takers, is_fok);
  gather();
  return cash_factor(costs, free);
}

// Opens what the factor allows; a cut ends the order (R11).
void Simulator::open_at(std::size_t row, Execution& execution, std::int64_t lots) {
  const std::int64_t wanted = execution.opening;
  if (lots > 0) {
    const std::int64_t opened = fill(row, execution.index, lots, execution.price,
                                     execution.reference, execution.maker, false);
    if (opened > 0 && (execution.closed || opened < lots)) count(Counter::Flips);
  }
  if (lots == wanted) return;
  end_cut(execution.index);
}

// What a factor leaves of an increase: whole lots, tested against the minimum again (R11).
std::int64_t Simulator::cut_lots(const Instrument& instrument, std::int64_t wanted, double factor,
                                 double price) {
  if (factor >= 1.0) return wanted;
  const auto lots = static_cast<std::int64_t>(whole_lots(static_cast<double>(wanted) * factor));
  const double quantity = static_cast<double>(lots) * instrument.lot;
  if (lots < wanted && (lots == 0 || below_minimum(instrument, quantity, price))) {
    count(Counter::BelowMinimum);
    return 0;
  }
  return lots;
}

void Simulator::end_cut(std::size_t index) {
  Order& order = state_.orders[index];
  finish(order, order.filled > 0 ? OrderState::Cancelled : OrderState::Rejected);
}

// IOC and FOK live at one open only (R20, R21); what is free now bounds the bar's increases.
void Simulator::end_open(std::size_t row) {
  for (Order& order : state_.orders) {
    if (order.done || order.fresh || !order.lives_at_one_open()) continue;
    if (!panel_.has_bar(row, static_cast<std::size_t>(order.instrument))) continue;
    count(order.tif == TimeInForce::FOK ? Counter::FokKilled : Counter::IocExpired);
    finish(order, OrderState::Expired);
  }
  forget_done_orders();
}

}  // namespace algotrader
