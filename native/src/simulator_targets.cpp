// Step 8 of R7 for targets: which are looked at, how large, and what is worked (R4, R9 to R12).
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "algotrader/reduce.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

double Simulator::sizing_equity() const noexcept {
  return equity_ > 0.0 ? equity_ * (1.0 - settings_.cash_buffer) : 0.0;  // R8
}

void Simulator::decide(std::size_t row, const double* numbers) {
  if (!state_.legs.empty()) match_groups();  // a leg may have ended at this decision
  wanted_.clear();
  look_at_requests(row);
  if (numbers != nullptr || pending_) look_at_numbers(row, numbers);
  if (!wanted_.empty()) {
    scale_weights(row);
    for (const Wanted& wanted : wanted_) act(wanted);
  }
  queued_.clear();
  publish_endings();
}

void Simulator::look_at_numbers(std::size_t row, const double* numbers) {
  const bool scheduled = settings_.rebalance != RebalanceRule::Schedule ||
                         (panel_.schedule != nullptr && panel_.schedule[row] != 0);
  if (!scheduled && !pending_ && !may_block_) return;
  if (says_nothing(numbers)) return count(Counter::NanTargets, static_cast<std::int64_t>(panel_.columns));
  bool still_pending = false;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const double number = numbers == nullptr ? kNone : numbers[column];
    const bool asked = std::any_of(queued_.begin(), queued_.end(), [&](const Request& request) {
      return static_cast<std::size_t>(request.instrument) == column;
    });
    if (asked) {
      still_pending |= state_.targets[column].pending;
      continue;  // what was asked for takes the place of the number
    }
    if (state_.targets[column].blocked != 0) {
      const bool valid = std::abs(number) <= settings_.max_weight_abs;
      lift_block(row, column, valid ? number : kNone);
    }
    if (look_at(row, column, number, scheduled, numbers != nullptr)) {
      wanted_.push_back({column, state_.targets[column].standing, 0.0, false});
    }
    still_pending |= state_.targets[column].pending;
  }
  if (!queued_.empty()) {
    std::stable_sort(wanted_.begin(), wanted_.end(),
                     [](const Wanted& a, const Wanted& b) { return a.column < b.column; });
  }
  pending_ = still_pending;
}

// A row without an opinion to which nothing can answer; a schedule asks for the next bar (R10).
bool Simulator::says_nothing(const double* numbers) const {
  const bool may_answer = pending_ || may_block_ || !queued_.empty() ||
                          settings_.rebalance == RebalanceRule::Schedule;
  return !may_answer && numbers != nullptr && !any_given(numbers, panel_.columns);
}

// `ctx.target(...)`: acted on at once (R10); the last one of an instrument counts.
void Simulator::look_at_requests(std::size_t row) {
  for (std::size_t k = 0; k < queued_.size(); ++k) {
    const Request& request = queued_[k];
    const bool superseded =
        std::any_of(queued_.begin() + static_cast<std::ptrdiff_t>(k) + 1, queued_.end(),
                    [&](const Request& later) { return later.instrument == request.instrument; });
    if (superseded) continue;
    const auto column = static_cast<std::size_t>(request.instrument);
    TargetState& target = state_.targets[column];
    const double number = given(request.weight) ? request.weight : request.quantity;
    if (given(request.weight) && !(std::abs(number) <= settings_.max_weight_abs)) {
      count(Counter::RefusedTargets);  // R4
      continue;
    }
    if (target.blocked != 0) lift_block(row, column, number);
    target.standing = request.weight;
    target.quantity = given(request.weight) ? kNone : request.quantity;
    target.acted = kNone;
    if (accept(row, column)) wanted_.push_back({column, request.weight, 0.0, true});
  }
}

// R19: a 0, the other sign or `reenter_after` lifts the block; NaN and a missing bar do not.
void Simulator::lift_block(std::size_t row, std::size_t column, double number) {
  TargetState& target = state_.targets[column];
  const bool other = number * target.blocked <= 0.0;
  const bool waited =
      settings_.reenter_after >= 0 && target.blocked_bars >= settings_.reenter_after;
  if (!panel_.has_bar(row, column) || (!other && !waited)) return;
  target.blocked = 0;
  // The standing number may be acted on again: it has not been since the exit.
  if (waited && !other) target.acted = kNone;
  cancel_legs(column, true);
  if (settings_.protects()) protect_position(column, last_close_[column], false, -1, -1);
  forget_done_orders();
}

// Is the target of this instrument to be acted on now (R3, R4, R10)?
bool Simulator::look_at(std::size_t row, std::size_t column, double number, bool scheduled,
                        bool numbers_given) {
  TargetState& target = state_.targets[column];
  if (!scheduled && !target.pending) return false;
  bool opinion = !std::isnan(number);
  if (!opinion && numbers_given) count(Counter::NanTargets);
  if (opinion && !(std::abs(number) <= settings_.max_weight_abs)) {
    count(Counter::RefusedTargets);
    opinion = false;
  }
  if (opinion && number < 0.0 && instruments_[column].is_spot()) {
    count(Counter::NegativeSpotTargets);  // R12
  }
  if (opinion) {
    target.standing = number;
    target.quantity = kNone;
  }
  const bool arrived = target.pending && target.pending_opinion;
  if (!opinion && !arrived) {
    if (panel_.has_bar(row, column)) {
      target.pending = false;
    } else if (settings_.rebalance == RebalanceRule::Schedule) {
      target.pending = pending_ = true;
    }
    return false;
  }
  const bool unchanged = settings_.rebalance == RebalanceRule::OnChange &&
                         !given(target.quantity) && target.standing == target.acted;
  if (unchanged) return false;
  return accept(row, column);
}

// A target that is to be acted on: is the instrument there, and may it be entered?
bool Simulator::accept(std::size_t row, std::size_t column) {
  TargetState& target = state_.targets[column];
  if (!listed(row, column)) return false;  // R29: it is cash until then
  if (!panel_.has_bar(row, column)) {
    target.pending = target.pending_opinion = pending_ = true;
    return false;
  }
  target.pending = target.pending_opinion = false;
  const double number = given(target.quantity) ? target.quantity : target.standing;
  if (target.blocked != 0 && number * target.blocked > 0.0) {
    count(Counter::DeniedReentry);
    return false;
  }
  return true;
}

// A weight as it counts: no short on spot (R12), the instrument's share of equity (R2), the limit
// on one instrument (R28).
double Simulator::effective_weight(std::size_t column, double number) const {
  if (!given(number)) return 0.0;
  const Instrument& instrument = instruments_[column];
  const double sign_allowed = instrument.is_spot() ? std::max(number, 0.0) : number;
  const double weight = sign_allowed * instrument.size_share;
  return std::clamp(weight, -settings_.max_weight, settings_.max_weight);
}

// R11, R12: weights in force that sum above 1 (spot) or the leverage allowed are scaled.
void Simulator::scale_weights(std::size_t row) {
  double spot = 0.0;
  double derivatives = 0.0;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    if (!listed(row, column)) continue;
    const double weight = effective_weight(column, state_.targets[column].standing);
    (instruments_[column].is_spot() ? spot : derivatives) += std::abs(weight);
  }
  const double spot_scale = spot > 1.0 + kSumSlack ? 1.0 / spot : 1.0;
  const double leverage_scale = derivatives > settings_.max_leverage * (1.0 + kSumSlack)
                                    ? settings_.max_leverage / derivatives
                                    : 1.0;
  bool spot_scaled = false;
  bool leverage_scaled = false;
  for (Wanted& wanted : wanted_) {
    if (!given(wanted.number)) continue;  // a quantity was asked for
    const Instrument& instrument = instruments_[wanted.column];
    const bool asked_short = wanted.at_once && instrument.is_spot() && wanted.number < 0.0;
    if (asked_short) count(Counter::NegativeSpotTargets);
    const double weight = effective_weight(wanted.column, wanted.number);
    if (std::abs(wanted.number * instrument.size_share) > settings_.max_weight) {
      count(Counter::DeniedLimit);
    }
    wanted.weight = weight * (instrument.is_spot() ? spot_scale : leverage_scale);
    if (wanted.weight == weight) continue;
    (instrument.is_spot() ? spot_scaled : leverage_scaled) = true;
  }
  if (spot_scaled) count(Counter::WeightScaled);
  if (leverage_scaled) count(Counter::LeverageScaled);
}

void Simulator::act(const Wanted& wanted) {
  const std::size_t column = wanted.column;
  TargetState& target = state_.targets[column];
  const Instrument& instrument = instruments_[column];
  const bool weighed = given(wanted.number);
  double lots =
      weighed ? lots_from_weight(instrument, wanted.weight, sizing_equity(), last_close_[column])
              : whole_lots(target.quantity / instrument.lot);
  if (std::isnan(lots)) return count(Counter::RefusedTargets);  // R9: more than 2^53
  if (!weighed && instrument.is_spot() && lots < 0.0) {
    count(Counter::NegativeSpotTargets);
    lots = 0.0;
  }
  if (!weighed && std::isfinite(settings_.max_weight)) {  // R28
    const double most = lots_from_weight(instrument, settings_.max_weight, sizing_equity(),
                                         last_close_[column]);
    if (std::abs(lots) > most) count(Counter::DeniedLimit);
    lots = std::clamp(lots, -most, most);
  }
  if (!(equity_ > 0.0)) lots = 0.0;  // R8: size 0
  lots = gate_lots(column, lots);
  const bool banded = settings_.rebalance == RebalanceRule::Band && !wanted.at_once;
  if (banded && inside_band(column, lots)) return;
  target.acted = weighed ? wanted.number : kNone;
  place_target(column, lots, weighed ? wanted.weight : kNone);
}

// R10: skipped while |wanted - held| < x |wanted|; entering, leaving, changing sign always trade.
bool Simulator::inside_band(std::size_t column, double lots) const {
  const double held = static_cast<double>(held_lots(column));
  if (held == 0.0 || lots == 0.0 || (held > 0.0) != (lots > 0.0)) return false;
  const double position = state_.positions[column].quantity / instruments_[column].lot;
  return std::abs(lots - position) < settings_.band * std::abs(lots) - kLotSlack;
}

// Acting on a target cancels the rest of its own working order (R10).
void Simulator::cancel_working(std::size_t column) {
  if (!state_.targets[column].working) return;
  for (Order& order : state_.orders) {
    if (order.reason == FillReason::Target && static_cast<std::size_t>(order.instrument) == column) {
      if (!order.done && order.filled > 0 && order.lots > 0) count(Counter::PartialCarried);
      finish(order, OrderState::Cancelled);
    }
  }
}

// R28: the largest position that the limit on its notional allows at a price.
double Simulator::most_lots(std::size_t column, double price) const {
  if (std::isinf(settings_.max_notional)) return kInfinity;
  const Instrument& instrument = instruments_[column];
  return whole_lots(settings_.max_notional / quote_notional(instrument, instrument.lot, price));
}

// R28: a target above the limit on one position is cut to the largest size allowed.
double Simulator::gate_lots(std::size_t column, double lots) {
  const double most = most_lots(column, last_close_[column]);
  if (std::abs(lots) <= most) return lots;
  count(Counter::DeniedLimit);
  return lots > 0.0 ? most : -most;
}

// R10: the wanted quantity is latched here and worked from the position until it is reached.
void Simulator::place_target(std::size_t column, double lots, double weight) {
  if (!state_.orders.empty()) cancel_working(column);
  const Instrument& instrument = instruments_[column];
  const double held = static_cast<double>(held_lots(column));
  Order order;
  if (settings_.size_at == SizeAt::Fill && given(weight) && weight != 0.0 && held * weight <= 0.0 &&
      equity_ > 0.0) {
    order.size_at_fill = true;  // R33, from flat only: what is held goes first
    order.weight = std::abs(weight);
    order.side = weight > 0.0 ? 1 : -1;
    order.lots = static_cast<std::int64_t>(std::abs(held));
    push_target(column, order);
    return;
  }
  const double position = state_.positions[column].quantity / instrument.lot;
  const double change = lots == 0.0 ? -held : whole_lots(lots - position);
  if (lots == 0.0 && held == 0.0 && given(weight) && weight != 0.0) count(Counter::BelowMinimum);
  if (change == 0.0) return;
  if (below_minimum(instrument, change * instrument.lot, last_close_[column])) {
    return count(Counter::BelowMinimum);
  }
  order.side = change > 0.0 ? 1 : -1;
  order.lots = static_cast<std::int64_t>(std::abs(change));
  order.wanted = static_cast<std::int64_t>(lots);
  push_target(column, order);
}

// R13: capped by default on venues that never close, a market order elsewhere and on closes.
bool Simulator::is_capped(std::size_t column) const {
  const bool by_venue = settings_.execution == ExecutionRule::ByVenue;
  return settings_.execution == ExecutionRule::Capped ||
         (by_venue && instruments_[column].never_closes && !settings_.close_only);
}

void Simulator::push_target(std::size_t column, Order& order) {
  order.instrument = static_cast<std::int32_t>(column);
  order.reason = FillReason::Target;
  order.capped = is_capped(column);
  order.reference = last_close_[column];
  order.age = state_.age++;
  state_.targets[column].working = true;
  state_.orders.push_back(order);
}

}  // namespace algotrader
