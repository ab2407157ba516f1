// Step 8 of R7 for targets: which are looked at, how large, and what is worked (R4, R9 to R12).
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

namespace {
// Weights that sum to 1 but for rounding are not above 1.
constexpr double kSumSlack = 1e-9;
}  // namespace

double Simulator::sizing_equity() const noexcept {
  return equity_ > 0.0 ? equity_ * (1.0 - settings_.cash_buffer) : 0.0;  // R8
}

void Simulator::decide_targets(std::size_t row, const double* numbers) {
  const bool scheduled = settings_.rebalance != RebalanceRule::Schedule ||
                         (panel_.schedule != nullptr && panel_.schedule[row] != 0);
  const bool may_block = settings_.protects() || has_derivatives_;
  if (may_block) {
    for (std::size_t column = 0; column < panel_.columns; ++column) {
      if (state_.targets[column].blocked != 0) lift_block(row, column, numbers[column]);
    }
  }
  if (!scheduled && !pending_) return;
  wanted_.clear();
  bool still_pending = false;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    if (look_at(row, column, numbers[column], scheduled)) {
      wanted_.push_back({column, state_.targets[column].standing, 0.0});
    }
    still_pending |= state_.targets[column].pending;
  }
  pending_ = still_pending;
  if (wanted_.empty()) return;
  scale_weights(row);
  for (const Wanted& wanted : wanted_) act(wanted);
}

// R19: a 0, the other sign or `reenter_after` lifts the block; NaN does not.
void Simulator::lift_block(std::size_t row, std::size_t column, double number) {
  TargetState& target = state_.targets[column];
  const bool valid = std::abs(number) <= settings_.max_weight_abs;
  const bool other = valid && number * target.blocked <= 0.0;
  const bool waited = settings_.reenter_after >= 0 &&
                      static_cast<std::int64_t>(row) - target.blocked_row >= settings_.reenter_after;
  if (!other && !waited) return;
  target.blocked = 0;
  // The standing number may be acted on again: it has not been since the exit.
  if (waited && !other) target.acted = kNone;
  cancel_legs(column);
  if (settings_.protects()) protect_position(column, last_close_[column], false);
  forget_done_orders();
}

// Is the target of this instrument to be acted on now (R3, R4, R10)?
bool Simulator::look_at(std::size_t row, std::size_t column, double number, bool scheduled) {
  TargetState& target = state_.targets[column];
  if (!scheduled && !target.pending) return false;
  bool opinion = true;
  if (std::isnan(number)) {
    count(Counter::NanTargets);
    opinion = target.pending && given(target.standing) && target.standing_pending;
  } else if (std::abs(number) > settings_.max_weight_abs) {
    count(Counter::RefusedTargets);
    opinion = given(target.standing);
  } else {
    target.standing = number;
  }
  if (!listed(row, column)) return false;  // R29: it is cash until then
  const bool has_bar = panel_.has_bar(row, column);
  if (!has_bar) {
    const bool changed = opinion && (settings_.rebalance != RebalanceRule::OnChange ||
                                     !(target.standing == target.acted));
    if (changed || settings_.rebalance == RebalanceRule::Schedule) {
      target.pending = true;
      target.standing_pending = target.standing_pending || opinion;
      pending_ = true;
    }
    return false;
  }
  target.pending = false;
  target.standing_pending = false;
  if (!opinion) return false;
  if (settings_.rebalance == RebalanceRule::OnChange && target.standing == target.acted) {
    return false;
  }
  if (target.blocked != 0 && target.standing * target.blocked > 0.0) {
    count(Counter::DeniedReentry);
    return false;
  }
  return true;
}

double Simulator::weight_in_force(std::size_t column, double number) const {
  if (!given(number)) return 0.0;
  const Instrument& instrument = instruments_[column];
  const double weight = number * instrument.size_share;  // R2
  return instrument.is_spot() ? std::max(weight, 0.0) : std::abs(weight);
}

// R11, R12: weights in force that sum above 1 (spot) or the leverage allowed are scaled.
void Simulator::scale_weights(std::size_t row) {
  double spot = 0.0;
  double derivatives = 0.0;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    if (!listed(row, column)) continue;
    const double weight = weight_in_force(column, state_.targets[column].standing);
    (instruments_[column].is_spot() ? spot : derivatives) += weight;
  }
  const bool spot_over = spot > 1.0 + kSumSlack;
  const bool leverage_over = derivatives > settings_.max_leverage * (1.0 + kSumSlack);
  bool spot_scaled = false;
  bool leverage_scaled = false;
  for (Wanted& wanted : wanted_) {
    const Instrument& instrument = instruments_[wanted.column];
    wanted.weight = wanted.number * instrument.size_share;
    if (instrument.is_spot()) {
      if (wanted.weight < 0.0) {
        count(Counter::NegativeSpotTargets);
        wanted.weight = 0.0;
      }
      if (spot_over && wanted.weight > 0.0) {
        wanted.weight /= spot;
        spot_scaled = true;
      }
    } else if (leverage_over && wanted.weight != 0.0) {
      wanted.weight *= settings_.max_leverage / derivatives;
      leverage_scaled = true;
    }
  }
  if (spot_scaled) count(Counter::WeightScaled);
  if (leverage_scaled) count(Counter::LeverageScaled);
}

void Simulator::act(const Wanted& wanted) {
  const std::size_t column = wanted.column;
  TargetState& target = state_.targets[column];
  const Instrument& instrument = instruments_[column];
  const double lots =
      lots_from_weight(instrument, wanted.weight, sizing_equity(), last_close_[column]);
  if (std::isnan(lots)) {  // R9: more than 2^53
    count(Counter::RefusedTargets);
    return;
  }
  if (settings_.rebalance == RebalanceRule::Band && inside_band(column, lots)) return;
  target.acted = wanted.number;
  place_target(column, lots, wanted.weight);
}

// R10: skipped while |wanted - held| < x |wanted|; entering, leaving, changing sign always trade.
bool Simulator::inside_band(std::size_t column, double lots) const {
  const double held = static_cast<double>(held_lots(column));
  if (held == 0.0 || lots == 0.0 || (held > 0.0) != (lots > 0.0)) return false;
  const double position = state_.positions[column].quantity / instruments_[column].lot;
  return std::abs(lots - position) < settings_.band * std::abs(lots);
}

void Simulator::cancel_working(std::size_t column) {
  for (Order& order : state_.orders) {
    if (!order.protective && static_cast<std::size_t>(order.instrument) == column) {
      finish(order, OrderState::Cancelled);
    }
  }
}

// R28: an increasing target above a limit is cut to the largest size allowed.
double Simulator::gate_lots(std::size_t column, double lots) {
  const Instrument& instrument = instruments_[column];
  if (std::isinf(settings_.max_weight) && std::isinf(settings_.max_notional)) return lots;
  const double price = last_close_[column];
  double most = kInfinity;
  if (std::isfinite(settings_.max_weight)) {
    most = lots_from_weight(instrument, settings_.max_weight, equity_, price);
  }
  if (std::isfinite(settings_.max_notional)) {
    most = std::min(most, whole_lots(settings_.max_notional /
                                     quote_notional(instrument, instrument.lot, price)));
  }
  const double held = static_cast<double>(held_lots(column));
  const bool same_side = held * lots > 0.0;
  most = std::max(most, same_side ? std::abs(held) : 0.0);  // reductions pass, what is held stays
  if (std::abs(lots) <= most) return lots;
  count(Counter::DeniedLimit);
  return lots > 0.0 ? most : -most;
}

// R10: acting on a target cancels the rest and starts from the position.
void Simulator::place_target(std::size_t column, double lots, double weight) {
  if (!state_.orders.empty()) cancel_working(column);
  const Instrument& instrument = instruments_[column];
  const double held = static_cast<double>(held_lots(column));
  Order order;
  order.weight = std::abs(weight);
  if (settings_.size_at == SizeAt::Fill && weight != 0.0 && given(weight) && held * weight <= 0.0 &&
      equity_ > 0.0) {
    order.size_at_fill = true;  // R33, from flat only: what is held goes first
    order.side = weight > 0.0 ? 1 : -1;
    order.lots = static_cast<std::int64_t>(std::abs(held));
    push_target(column, order);
    return;
  }
  const double allowed = gate_lots(column, lots);
  const double position = state_.positions[column].quantity / instrument.lot;
  const double change = allowed == 0.0 ? -held : whole_lots(allowed - position);
  const bool lost_entry = lots == 0.0 && held == 0.0 && given(weight) && weight != 0.0;
  if (lost_entry) count(Counter::BelowMinimum);
  if (change == 0.0) return;
  if (below_minimum(instrument, change * instrument.lot, last_close_[column])) {
    count(Counter::BelowMinimum);
    return;
  }
  order.side = change > 0.0 ? 1 : -1;
  order.lots = static_cast<std::int64_t>(std::abs(change));
  push_target(column, order);
}

void Simulator::push_target(std::size_t column, Order& order) {
  const bool capped = settings_.execution == ExecutionRule::Capped ||
                      (settings_.execution == ExecutionRule::ByVenue &&
                       instruments_[column].never_closes);  // R13
  order.instrument = static_cast<std::int32_t>(column);
  order.reason = FillReason::Target;
  order.capped = capped;
  order.reference = last_close_[column];
  order.age = state_.age++;
  state_.orders.push_back(order);
}

}  // namespace algotrader
