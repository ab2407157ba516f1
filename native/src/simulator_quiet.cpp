// A lone instrument at rest: rows at which its steps and decisions change nothing but the marks.
// What is skipped here is what step() and decide() would have left as it was, to the bit.
#include <algorithm>
#include <cmath>

#include "algotrader/margin.hpp"
#include "algotrader/reduce.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

bool Simulator::at_rest() const {
  const TargetState& target = state_.targets[0];
  if (panel_.columns != 1 || settings_.rebalance != RebalanceRule::OnChange || pending_ ||
      given(target.quantity) || !state_.legs.empty()) {
    return false;
  }
  const bool may_lift = settings_.reenter_after >= 0 || !(target.acted * target.blocked > 0.0);
  if (target.blocked != 0 && may_lift) return false;
  if (settings_.close_only && has_derivatives_) return false;  // extremes do not bound its marks
  if (settings_.protects() && settings_.path == PathRule::Finer) return false;
  return std::all_of(state_.orders.begin(), state_.orders.end(), [](const Order& order) {
    return order.protective && order.follows && !order.triggered && !order.inside;
  });
}

// First row in [from, until) at which something may happen to the instrument; never too late.
std::size_t Simulator::next_event(const PanelIndex& index, std::size_t from, std::size_t until) {
  const Position& position = state_.positions[0];
  if (position.quantity == 0.0) return until;
  const Instrument& instrument = instruments_[0];
  until = next_date(from, until);
  double low = -kInfinity;
  double high = kInfinity;
  double& against = position.quantity > 0.0 ? low : high;
  const double away = position.quantity > 0.0 ? 1.0 : -1.0;
  if (instrument.is_derivative()) {
    const bool isolated = settings_.margin_mode == MarginMode::Isolated;
    const double price = liquidation_price(instrument, position.quantity, position.entry,
                                           isolated ? position.margin : state_.cash);
    // A hair early, so that rounding cannot hide it.
    if (given(price)) against = price * (1.0 + away * 1e-9);
  }
  Order* trail = nullptr;
  for (Order& order : state_.orders) {
    if (order.kind == OrderKind::Stop) {
      const double level = order.stop + away * instrument.tick;
      against = away > 0.0 ? std::max(against, level) : std::min(against, level);
    } else if (order.kind == OrderKind::Limit) {
      (away > 0.0 ? high : low) = order.limit;
    } else {
      trail = &order;
    }
  }
  if (trail != nullptr) {
    PanelIndex::Trail moving{trail->side, trail->trail, trail->best, instrument.tick};
    until = index.follow_trail(moving, from, until, low, high);
    trail->best = moving.best;
    return until;
  }
  if (std::isinf(low) && std::isinf(high)) return until;
  return index.first_touch(from, until, low, high);
}

// Funding and delisting happen at rows known before (R7).
std::size_t Simulator::next_date(std::size_t from, std::size_t until) const {
  const std::int64_t* rows = panel_.ts;
  if (instruments_[0].is_derivative() && next_funding_ < panel_.fundings) {
    const std::int64_t stamp = panel_.funding_ts[next_funding_];
    // The first row that ends after the stamp settles it.
    const auto* row = std::upper_bound(rows + from, rows + until, stamp - panel_.timeframe);
    until = static_cast<std::size_t>(row - rows);
  }
  if (has_delistings_ && !delisted_[0]) {
    const auto* row = std::lower_bound(rows + from, rows + until, instruments_[0].delisted_at);
    until = static_cast<std::size_t>(row - rows);
  }
  return until;
}

// First row in [from, rows) whose number is an opinion other than the one acted on.
std::size_t Simulator::next_change(TargetRuns& targets, std::size_t from) {
  unknown_ahead_ = 0;
  return targets.next_change(from, state_.targets[0].acted, unknown_ahead_);
}

// Marks the rows [from, to); decisions of [from, decided) were looked at and changed nothing.
void Simulator::rest(const PanelIndex& index, const TargetRuns& targets, std::size_t from,
                     std::size_t to, std::size_t decided) {
  for (const std::int64_t column : funded_) funding_[static_cast<std::size_t>(column)] = 0.0;
  funded_.clear();
  std::int64_t unknown = 0;
  for (std::size_t row = from; row < decided && unknown_ahead_ > 0; ++row) {
    unknown += targets[row] != targets[row] ? 1 : 0;
  }
  count(Counter::NanTargets, unknown);
  if (instruments_[0].is_spot() && state_.targets[0].acted < 0.0) {
    count(Counter::NegativeSpotTargets, static_cast<std::int64_t>(decided - from) - unknown);
  }
  last_close_[0] = index.close(to - 1);
  mark_[0] = index.mark(to - 1);
  equity_ = equity_at_rest(last_close_[0], mark_[0]);
}

double Simulator::equity_at_rest(double close, double mark) const {
  const Position& position = state_.positions[0];
  const Instrument& instrument = instruments_[0];
  if (position.quantity == 0.0) return state_.cash + 0.0;
  if (instrument.is_spot()) {
    return state_.cash + position.quantity * instrument.multiplier * close;  // x 1 is exact
  }
  return state_.cash + profit_of(instrument, position.quantity, position.entry, mark);
}

// The same at the ends of the days [first, last), written to equity[first, last).
void Simulator::equity_of_days(const PanelIndex& index, std::size_t first, std::size_t last,
                               double* equity) const {
  if (!instruments_[0].is_spot() || state_.positions[0].quantity == 0.0) {
    for (std::size_t day = first; day < last; ++day) {
      equity[day] = equity_at_rest(index.day_close(day), index.day_mark(day));
    }
    return;
  }
  const double cash = state_.cash;
  const double units = state_.positions[0].quantity * instruments_[0].multiplier;
  for (std::size_t day = first; day < last; ++day) {
    equity[day] = cash + units * index.day_close(day);
  }
}

}  // namespace algotrader
