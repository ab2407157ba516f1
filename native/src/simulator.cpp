// The steps of a bar in their order (R7), and the marks at its close (R8).
#include "algotrader/simulator.hpp"

#include <algorithm>
#include <utility>

#include "algotrader/margin.hpp"
#include "algotrader/reduce.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

Simulator::Simulator(PanelView panel, std::vector<Instrument> instruments, Settings settings,
                     std::shared_ptr<const DailyImpact> impact)
    : panel_(panel),
      instruments_(std::move(instruments)),
      settings_(settings),
      impact_(std::move(impact)) {
  const std::size_t columns = panel_.columns;
  state_.cash = settings_.cash;
  protection_ = {settings_.stop_loss, settings_.take_profit, settings_.trailing};
  state_.positions.resize(columns);
  state_.targets.resize(columns);
  state_.room.assign(columns, -1.0);
  last_close_.assign(columns, 0.0);
  mark_.assign(columns, 0.0);
  quantities_.assign(columns, 0.0);
  worth_.assign(columns, 0.0);
  funding_.assign(columns, 0.0);
  delisted_.assign(columns, false);
  equity_ = settings_.cash;
  for (const Instrument& instrument : instruments_) {
    has_derivatives_ |= instrument.is_derivative();
    has_delistings_ |= instrument.delisted_at != kNever;
    has_impact_ |= instrument.impact > 0.0;
    has_listings_ |= instrument.listed_at != std::numeric_limits<std::int64_t>::min();
    plain_spot_ &= instrument.is_spot() && instrument.multiplier == 1.0;
  }
  for (std::size_t k = 1; k < panel_.finer_rows; ++k) {
    const std::int64_t gap = panel_.finer_ts[k] - panel_.finer_ts[k - 1];
    finer_step_ = finer_step_ == 0 ? gap : std::min(finer_step_, gap);
  }
  may_block_ = settings_.protects() || has_derivatives_;
  if (has_impact_ && impact_ == nullptr) impact_ = impact_of(panel_, instruments_);
}

void Simulator::step(std::size_t row) {
  for (const std::int64_t column : funded_) funding_[static_cast<std::size_t>(column)] = 0.0;
  funded_.clear();
  for (std::size_t column = 0; column < panel_.columns && may_block_; ++column) {
    if (panel_.has_bar(row, column)) ++state_.targets[column].blocked_bars;  // R19
  }
  settle_events(row);
  settle_funding(row, true);
  if (!state_.orders.empty()) expire_orders(row);
  if (settings_.close_only) settle_funding(row, false);  // R38
  if (has_derivatives_) liquidate_at_start(row);
  if (!state_.orders.empty()) {
    std::fill(state_.room.begin(), state_.room.end(), -1.0);
    open_phase(row);
  }
  if (!settings_.close_only) {
    settle_funding(row, false);
    path_phase(row);
  }
  close_bar(row);
}

// R7 (1), R29: what was held when an instrument left is closed at its last close.
void Simulator::settle_events(std::size_t row) {
  if (!has_delistings_) return;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const Instrument& instrument = instruments_[column];
    if (panel_.ts[row] < instrument.delisted_at) continue;
    for (Order& order : state_.orders) {
      if (!order.done && static_cast<std::size_t>(order.instrument) == column) {
        finish(order, OrderState::Cancelled);
      }
    }
    if (delisted_[column]) continue;
    delisted_[column] = true;
    const Position& position = state_.positions[column];
    if (position.quantity == 0.0) continue;
    const double sign = position.quantity > 0.0 ? 1.0 : -1.0;
    close_out(row, column, last_close_[column] * (1.0 - sign * instrument.delist_haircut), 0.0,
              FillReason::Delisted);
    count(Counter::Delisted);
  }
  forget_done_orders();
}

// R7 (2): stamps up to the open before any fill, stamps inside the bar after the open's fills.
void Simulator::settle_funding(std::size_t row, bool before_fills) {
  if (next_funding_ == panel_.fundings) return;
  const std::int64_t open = panel_.ts[row];
  const std::int64_t until = before_fills ? open : open + panel_.timeframe - 1;
  while (next_funding_ < panel_.fundings && panel_.funding_ts[next_funding_] <= until) {
    const std::size_t stamp = next_funding_++;
    const auto column = static_cast<std::size_t>(panel_.funding_instrument[stamp]);
    const Instrument& instrument = instruments_[column];
    Position& position = state_.positions[column];
    if (instrument.is_spot() || position.quantity == 0.0) continue;
    const bool marked = panel_.mark_open != nullptr && given(panel_.at(panel_.mark_open, row, column));
    if (!marked) count(Counter::FundingWithoutMark);
    const double mark = !marked && settings_.close_only ? last_close_[column]  // R38
                                                        : mark_at_open(row, column);
    const double amount =
        funding_amount(instrument, position.quantity, mark, panel_.funding_rate[stamp]);
    state_.cash += amount;
    funding_total_ += amount;
    if (settings_.margin_mode == MarginMode::Isolated) position.margin += amount;  // R11
    if (funding_[column] == 0.0) funded_.push_back(static_cast<std::int64_t>(column));
    funding_[column] += amount;
  }
}

// R7 (3), R21: DAY ends with its session, GTD before the first open at or after its time.
void Simulator::expire_orders(std::size_t row) {
  for (Order& order : state_.orders) {
    const bool day_over =
        order.tif == TimeInForce::DAY &&
        session_of(row, static_cast<std::size_t>(order.instrument)) != order.session;
    const bool time_over = order.tif == TimeInForce::GTD && order.expires_at <= panel_.ts[row];
    if (day_over || time_over) finish(order, OrderState::Expired);
  }
  forget_done_orders();
}

// R7 (4), R23: tested on the mark's open; on the close where closes are all there is (R38).
void Simulator::liquidate_at_start(std::size_t row) {
  std::vector<Exposure> exposures;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    if (instruments_[column].is_spot() || state_.positions[column].quantity == 0.0) continue;
    exposures.push_back(
        {column, settings_.close_only ? mark_at_close(row, column) : mark_at_open(row, column)});
  }
  if (!exposures.empty() && liquidate_where_due(row, exposures)) forget_done_orders();
}

// R7 (7): trails move by completed bars (R18), positions are marked, equity is struck.
void Simulator::close_bar(std::size_t row) {
  for (Order& order : state_.orders) {
    const auto column = static_cast<std::size_t>(order.instrument);
    if (order.kind == OrderKind::TrailingStop && !order.triggered && given(order.best) &&
        panel_.has_bar(row, column)) {
      const double extreme = order.inside      ? panel_.at(panel_.close, row, column)
                             : order.side < 0 ? panel_.at(panel_.high, row, column)
                                              : panel_.at(panel_.low, row, column);
      order.best = better_of(order.side, order.best, extreme);
    }
    order.inside = false;
    // R13: what waits for the cap gets the next close as its reference.
    if (order.capped && panel_.has_bar(row, column)) {
      order.reference = panel_.at(panel_.close, row, column);
    }
  }
  if (!state_.legs.empty()) match_groups();
  publish_endings();
  publish_fills();
  mark_bar(row);
}

void Simulator::publish_endings() {
  for (const auto& [number, ending] : state_.endings) {
    order_states_[static_cast<std::size_t>(number)] = ending;
    ended_.push_back(number);
  }
  state_.endings.clear();
}

// The fills of a bar stand once it has been travelled for the last time.
void Simulator::publish_fills() {
  if (tally_) {
    for (const Fill& fill : state_.fills) {
      tally_->take(fill, instruments_[static_cast<std::size_t>(fill.instrument)]);
    }
  } else if (!state_.fills.empty()) {
    const std::size_t needed = fills_.size() + state_.fills.size();
    if (needed > fills_.capacity()) {  // room for the run, if it goes on as it began
      const auto rows = static_cast<std::size_t>(state_.fills.front().row) + 1;
      fills_.reserve(std::clamp(needed * panel_.rows / rows, 2 * needed, 16 * needed));
    }
    fills_.insert(fills_.end(), state_.fills.begin(), state_.fills.end());
  }
  state_.fills.clear();
}

void Simulator::mark_bar(std::size_t row) {
  const std::size_t columns = panel_.columns;
  carry_forward(panel_.close + row * panel_.stride, last_close_.data(), columns);
  if (panel_.mark_close == nullptr) {
    if (has_derivatives_) std::copy(last_close_.begin(), last_close_.end(), mark_.begin());
  } else {
    for (std::size_t column = 0; column < columns; ++column) {
      mark_[column] = mark_at_close(row, column);
    }
  }
  equity_ = compute_equity();
}

// R8. One fixed order of operations (R34): worth per instrument, then the fixed sum.
double Simulator::compute_equity() {
  if (!has_derivatives_ && plain_spot_) {
    return state_.cash + fixed_dot(quantities_.data(), last_close_.data(), quantities_.size());
  }
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    worth_[column] = position_worth(column);
  }
  return state_.cash + fixed_sum(worth_.data(), worth_.size());
}

double Simulator::position_worth(std::size_t column) const {
  const Position& position = state_.positions[column];
  if (position.quantity == 0.0) return 0.0;
  const Instrument& instrument = instruments_[column];
  if (instrument.is_spot()) return position.quantity * instrument.multiplier * last_close_[column];
  return profit_of(instrument, position.quantity, position.entry, mark_[column]);
}

bool Simulator::tradable(std::size_t row, std::size_t column) const {
  if (!panel_.has_bar(row, column)) return false;
  // R20: no volume, no fills. A volume that is not known is NaN.
  return settings_.close_only || !(panel_.at(panel_.volume, row, column) <= 0.0);
}

bool Simulator::listed(std::size_t row, std::size_t column) const {
  if (!has_listings_ && !has_delistings_) return true;
  const std::int64_t decision = panel_.ts[row] + panel_.timeframe;
  return instruments_[column].listed_at <= decision && decision < instruments_[column].delisted_at;
}

std::int64_t Simulator::held_lots(std::size_t column) const {
  const Position& position = state_.positions[column];
  if (position.taken == 0.0) return position.lots;
  return static_cast<std::int64_t>(whole_lots(position.quantity / instruments_[column].lot));
}

double Simulator::open_of(std::size_t row, std::size_t column) const {
  return panel_.at(settings_.close_only ? panel_.close : panel_.open, row, column);
}

double Simulator::mark_at_open(std::size_t row, std::size_t column) const {
  if (panel_.mark_open != nullptr) {
    const double mark = panel_.at(panel_.mark_open, row, column);
    if (given(mark)) return mark;
  }
  const double open = open_of(row, column);
  return given(open) ? open : last_close_[column];
}

double Simulator::mark_at_close(std::size_t row, std::size_t column) const {
  if (panel_.mark_close != nullptr) {
    const double mark = panel_.at(panel_.mark_close, row, column);
    if (given(mark)) return mark;
  }
  const double close = panel_.at(panel_.close, row, column);
  return given(close) ? close : last_close_[column];
}

// R21: the day of a DAY order is the session, on venues that never close the UTC day.
std::int64_t Simulator::session_of(std::size_t row, std::size_t column) const {
  if (instruments_[column].never_closes) return utc_day(panel_.ts[row]);
  return day_of_row(panel_, row);
}

void Simulator::forget_done_orders() {
  std::erase_if(state_.orders, [](const Order& order) { return order.done; });
}

}  // namespace algotrader
