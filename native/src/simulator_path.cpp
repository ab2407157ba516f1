// Step 6 of R7: the way through the bar, with stops, limits and liquidation (R11, R15 to R18, R23).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>

#include "algotrader/margin.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

namespace {

// Distance between two prices, in whole ticks where there are ticks.
double distance(double a, double b, double tick) noexcept {
  return tick > 0.0 ? ticks_of(a, tick) - ticks_of(b, tick) : a - b;
}

// The same but for rounding: the point of a liquidation is found on another leg.
bool is_near(double a, double b) noexcept {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

}  // namespace

void Simulator::path_phase(std::size_t row) {
  std::size_t reachable = 0;
  double at_stake = 0.0;
  bool only_exits = true;
  if (!state_.orders.empty()) {
    in_play_.assign(panel_.columns, false);
    for (const Order& order : state_.orders) {
      if (!may_trigger(row, order)) continue;
      in_play_[static_cast<std::size_t>(order.instrument)] = true;
      if (has_derivatives_) at_stake += most_at_stake(row, order);
      only_exits &= order.protective && order.kind != OrderKind::TrailingStop;
      ++reachable;
    }
  }
  liquidation_in_play_ = has_derivatives_ && may_liquidate(row, at_stake);
  if (reachable == 0 && !liquidation_in_play_) return;
  if (in_play_.empty()) in_play_.assign(panel_.columns, false);
  if (state_.orders.empty()) std::fill(state_.room.begin(), state_.room.end(), -1.0);
  free_after_open_ = free_cash(row);
  // One exit at a fixed level fills alike whichever extreme comes first, and costs no cash.
  const bool plain = reachable == 1 && only_exits && !liquidation_in_play_;
  if (plain) {
    inside_.clear();
    travel(row, -1);
  } else {
    before_path_ = state_;
    travel_with_cash(row, -1);
  }
  for (std::size_t column = 0; column < tracks_.size(); ++column) {
    const bool fell_back =
        settings_.path == PathRule::Finer && !tracks_[column].finer && in_play_[column];
    if (fell_back) count(Counter::FinerFallback);
  }
  if (!plain) flag_ambiguous(row);
  forget_done_orders();
}

// How far the price can go in this bar, its finer bars included where they are travelled.
Simulator::Reach Simulator::reach_of_price(std::size_t row, std::size_t column) const {
  Reach reach{panel_.at(panel_.low, row, column), panel_.at(panel_.high, row, column)};
  widen_by_finer(panel_.finer_ohlc, row, column, reach);
  return reach;
}

// The same of the mark, which may be the price's (R23).
Simulator::Reach Simulator::reach_of_mark(std::size_t row, std::size_t column) const {
  const double open = mark_at_open(row, column);
  Reach reach{open, open};
  for (const double* field : {panel_.high, panel_.low, panel_.close, panel_.mark_high,
                              panel_.mark_low, panel_.mark_close}) {
    if (field == nullptr || !given(panel_.at(field, row, column))) continue;
    reach.low = std::min(reach.low, panel_.at(field, row, column));
    reach.high = std::max(reach.high, panel_.at(field, row, column));
  }
  widen_by_finer(panel_.finer_ohlc, row, column, reach);
  widen_by_finer(panel_.finer_mark_ohlc, row, column, reach);
  return reach;
}

void Simulator::widen_by_finer(const double* ohlc, std::size_t row, std::size_t column,
                               Reach& reach) const {
  if (settings_.path != PathRule::Finer || ohlc == nullptr) return;
  std::size_t first = 0;
  const std::size_t count = finer_bars(row, first);
  for (std::size_t k = 0; k < count; ++k) {
    const Ohlc bar = bar_of(ohlc, first + k, column);
    if (given(bar.low)) reach.low = std::min(reach.low, bar.low);
    if (given(bar.high)) reach.high = std::max(reach.high, bar.high);
  }
}

// Could the order's level lie inside this bar? Says yes rather than miss one.
bool Simulator::may_trigger(std::size_t row, const Order& order) const {
  const auto column = static_cast<std::size_t>(order.instrument);
  if (order.done || order.acts_as_market() || !tradable(row, column)) return false;
  const double tick = instruments_[column].tick;
  const Reach reach = reach_of_price(row, column);
  const double high = reach.high + tick;
  const double low = reach.low - tick;
  if (order.acts_as_limit()) return order.side > 0 ? low <= order.limit : high >= order.limit;
  if (order.kind == OrderKind::TrailingStop) {
    const double best = order.side < 0 ? std::max(order.best, high) : std::min(order.best, low);
    const double level = best * (order.side < 0 ? 1.0 - order.trail : 1.0 + order.trail);
    return order.side < 0 ? low <= level + tick : high >= level - tick;
  }
  return order.side > 0 ? high >= order.stop : low <= order.stop;
}

// What an order that fills inside the bar may take from the margin of all (R23): an exit its fee
// and slippage, an entry less than twice its notional, with the way through the bar, maintenance
// and costs. A bound, not a forecast.
double Simulator::most_at_stake(std::size_t row, const Order& order) const {
  const auto column = static_cast<std::size_t>(order.instrument);
  const Instrument& instrument = instruments_[column];
  const bool inverse = instrument.kind == InstrumentKind::Inverse;
  const double price = panel_.at(inverse ? panel_.low : panel_.high, row, column);
  const auto lots = static_cast<double>(order.follows ? std::abs(held_lots(column)) : order.lots);
  const double notional = notional_of(instrument, lots * instrument.lot, price);
  const bool exits = order.reduce_only || (instrument.is_spot() && order.side < 0);
  const double rate = exits ? std::max(instrument.maker_fee, instrument.taker_fee) +
                                  slippage_of(row, column, lots)
                            : 2.0;
  return notional * std::max(rate, 0.0) + instrument.min_fee;
}

// The worst marks of the bar together, at the highest maintenance rate and with what the bar's
// orders may take (cross): a bound, not a forecast.
bool Simulator::may_liquidate(std::size_t row, double at_stake) const {
  const bool isolated = settings_.margin_mode == MarginMode::Isolated;
  double gap = isolated ? 0.0 : state_.cash - at_stake;
  bool exposed = false;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const Instrument& instrument = instruments_[column];
    const Position& position = state_.positions[column];
    if (instrument.is_spot() || position.quantity == 0.0) continue;
    exposed = true;
    const Reach reach = reach_of_mark(row, column);
    double rate = instrument.liquidation_fee;
    for (const Tier& tier : instrument.tiers) {
      rate = std::max(rate, tier.rate + instrument.liquidation_fee);
    }
    const double worst = position.quantity > 0.0 ? reach.low : reach.high;
    const double largest = instrument.kind == InstrumentKind::Inverse ? reach.low : reach.high;
    const double part = profit_of(instrument, position.quantity, position.entry, worst) -
                        notional_of(instrument, position.quantity, largest) * rate;
    if (isolated && position.margin + part <= 0.0) return true;
    gap += part;
  }
  return exposed && !isolated && gap <= 0.0;
}

// R11: increases inside the bar as if cash were free; if it was not, again with one factor. A
// second travel may meet other increases than the first, so that is repeated until what was
// filled is paid for.
void Simulator::travel_with_cash(std::size_t row, int swapped) {
  constexpr int most_travels = 16;
  cut_ = 1.0;
  for (int travels = 0;; ++travels) {
    inside_.clear();
    filled_inside_.clear();
    travel(row, swapped);
    if (filled_inside_.empty() || is_paid(filled_inside_, free_after_open_)) break;
    cut_ = travels + 1 < most_travels ? cash_factor(inside_, free_after_open_) : 0.0;
    state_ = before_path_;
  }
  if (cut_ < 1.0) count(Counter::CashCut);
  cut_ = 1.0;
}

// R17: ambiguous where the same bar with its extremes swapped gives other fills.
void Simulator::flag_ambiguous(std::size_t row) {
  std::swap(after_path_, state_);
  const std::size_t first = before_path_.fills.size();
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const bool exposed = liquidation_in_play_ && instruments_[column].is_derivative() &&
                         before_path_.positions[column].quantity != 0.0;
    if (!in_play_[column] && !exposed) continue;
    state_ = before_path_;
    travel_with_cash(row, static_cast<int>(column));
    if (same_fills(after_path_.fills, state_.fills, first, column)) continue;
    ambiguous_.push_back({static_cast<std::int64_t>(row), static_cast<std::int64_t>(column)});
    ++after_path_.counters[static_cast<std::size_t>(Counter::AmbiguousBars)];
    for (Fill& fill : after_path_.fills) {
      if (fill.instrument == static_cast<std::int64_t>(column)) fill.ambiguous = true;
    }
  }
  std::swap(after_path_, state_);
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    quantities_[column] = state_.positions[column].quantity;
  }
}

// The same fills of one instrument from `first` on, whatever their sequence.
bool Simulator::same_fills(const std::vector<Fill>& a, const std::vector<Fill>& b,
                           std::size_t first, std::size_t column) {
  using Key = std::tuple<std::int64_t, int, double, double, bool>;
  const auto keys = [&](const std::vector<Fill>& fills) {
    std::vector<Key> found;
    for (std::size_t k = first; k < fills.size(); ++k) {
      const Fill& fill = fills[k];
      if (static_cast<std::size_t>(fill.instrument) != column) continue;
      found.emplace_back(fill.order, static_cast<int>(fill.reason), fill.quantity, fill.price,
                         fill.opening);
    }
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto same = [](const Key& one, const Key& two) {
    return std::get<0>(one) == std::get<0>(two) && std::get<1>(one) == std::get<1>(two) &&
           is_near(std::get<2>(one), std::get<2>(two)) &&
           is_near(std::get<3>(one), std::get<3>(two)) && std::get<4>(one) == std::get<4>(two);
  };
  const std::vector<Key> ours = keys(a);
  const std::vector<Key> theirs = keys(b);
  return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(), same);
}

void Simulator::travel(std::size_t row, int swapped) {
  std::size_t segments = 0;
  if (settings_.path == PathRule::Finer) segments = finer_bars(row, finer_first_);
  lay_tracks(row, swapped, segments);
  const bool finer = segments > 0;
  segments = std::max<std::size_t>(segments, 1);
  for (std::size_t segment = 0; segment < segments; ++segment) {
    if (finer) enter_finer_bars(row, segment, segments, swapped);
    for (int k = 0; k < 3; ++k) {
      lay_legs(segment, segments, k);
      travel_leg(row);
    }
  }
}

// Between finer bars the price jumps; the order of a bar's extremes is fixed after that (R17).
void Simulator::enter_finer_bars(std::size_t row, std::size_t segment, std::size_t segments,
                                 int swapped) {
  lay_legs(segment, segments, 0);
  for (Track& track : tracks_) {
    track.leg.to = track.leg.from;
    track.mark_leg.to = track.mark_leg.from;
  }
  if (segment > 0) travel_leg(row);
  for (std::size_t column = 0; column < tracks_.size(); ++column) {
    Track& track = tracks_[column];
    if (!track.finer) continue;
    track.finer_low_first = low_comes_first(column, finer_bar(finer_first_ + segment, column));
    if (static_cast<int>(column) == swapped) track.finer_low_first = !track.finer_low_first;
  }
}

// Finer bars inside base bar `row`; 0 when it has not all of them (R17).
std::size_t Simulator::finer_bars(std::size_t row, std::size_t& first) const {
  if (panel_.finer_rows < 2) return 0;
  const std::int64_t* begin = panel_.finer_ts;
  const std::int64_t* end = begin + panel_.finer_rows;
  const std::int64_t* from = std::lower_bound(begin, end, panel_.ts[row]);
  const std::int64_t* until = std::lower_bound(from, end, panel_.ts[row] + panel_.timeframe);
  const auto found = static_cast<std::size_t>(until - from);
  first = static_cast<std::size_t>(from - begin);
  const bool complete =
      found > 0 && static_cast<std::int64_t>(found) * finer_step_ == panel_.timeframe;
  return complete ? found : 0;
}

Ohlc Simulator::finer_bar(std::size_t finer_row, std::size_t column) const {
  return bar_of(panel_.finer_ohlc, finer_row, column);
}

Ohlc Simulator::bar_of(const double* ohlc, std::size_t finer_row, std::size_t column) const {
  const double* bar = ohlc + finer_row * 4 * panel_.columns + column;
  return {bar[0], bar[panel_.columns], bar[2 * panel_.columns], bar[3 * panel_.columns]};
}

void Simulator::lay_tracks(std::size_t row, int swapped, std::size_t segments) {
  tracks_.assign(panel_.columns, Track{});
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    Track& track = tracks_[column];
    track.trades = tradable(row, column);
    if (!panel_.has_bar(row, column)) {  // R7: a mark without a price stands still
      const double mark = mark_at_open(row, column);
      track.price = track.mark = {mark, mark, mark, mark};
      continue;
    }
    track.price = {panel_.at(panel_.open, row, column), panel_.at(panel_.high, row, column),
                   panel_.at(panel_.low, row, column), panel_.at(panel_.close, row, column)};
    track.mark = track.price;
    const bool marked = panel_.mark_open != nullptr &&
                        given(panel_.at(panel_.mark_open, row, column)) &&
                        given(panel_.at(panel_.mark_high, row, column)) &&
                        given(panel_.at(panel_.mark_low, row, column)) &&
                        given(panel_.at(panel_.mark_close, row, column));
    if (marked) {
      track.mark = {panel_.at(panel_.mark_open, row, column),
                    panel_.at(panel_.mark_high, row, column),
                    panel_.at(panel_.mark_low, row, column),
                    panel_.at(panel_.mark_close, row, column)};
    }
    track.low_first = low_comes_first(column, track.price);
    if (static_cast<int>(column) == swapped) track.low_first = !track.low_first;
    if (settings_.path == PathRule::Finer) lay_finer(column, segments);
  }
}

void Simulator::lay_finer(std::size_t column, std::size_t segments) {
  Track& track = tracks_[column];
  track.finer = segments > 0;
  for (std::size_t k = 0; k < segments && track.finer; ++k) {
    track.finer = given(finer_bar(finer_first_ + k, column).open);
  }
}

// Instruments travel their legs together in equal fractions; one without finer bars goes its
// three legs while the others go theirs (R17). Marks go in the order of the price's (R23).
void Simulator::lay_legs(std::size_t segment, std::size_t segments, int k) {
  const std::size_t piece = 3 * segment + static_cast<std::size_t>(k);
  const auto base_leg = static_cast<int>(piece / segments);
  const double from = static_cast<double>(piece % segments) / static_cast<double>(segments);
  const double to = static_cast<double>(piece % segments + 1) / static_cast<double>(segments);
  const auto part = [&](const Leg& leg) { return Leg{leg.at(from), leg.at(to)}; };
  for (std::size_t column = 0; column < tracks_.size(); ++column) {
    Track& track = tracks_[column];
    if (!track.finer) {
      track.leg = part(leg_of(track.price, track.low_first, base_leg));
      track.mark_leg = part(leg_of(track.mark, track.low_first, base_leg));
      continue;
    }
    track.leg = leg_of(finer_bar(finer_first_ + segment, column), track.finer_low_first, k);
    track.mark_leg = track.leg;
    if (panel_.finer_mark_ohlc == nullptr) continue;
    const Ohlc mark = bar_of(panel_.finer_mark_ohlc, finer_first_ + segment, column);
    if (given(mark.open)) track.mark_leg = leg_of(mark, track.finer_low_first, k);
  }
}

// Which extreme comes first, fixed at the bar's open (R17).
bool Simulator::low_comes_first(std::size_t column, const Ohlc& bar) const {
  const std::int64_t held = held_lots(column);
  const bool worst = held != 0 ? held > 0 : entry_side_low(column, bar);
  if (settings_.path == PathRule::Best) return !worst;
  if (settings_.path == PathRule::NearFar) {
    const double tick = instruments_[column].tick;
    const double down = distance(bar.open, bar.low, tick);
    const double up = distance(bar.high, bar.open, tick);
    if (down != up) return down < up;
  }
  return worst;
}

// Without a position: the side of the nearest resting entry; low when equal or none (R17).
bool Simulator::entry_side_low(std::size_t column, const Ohlc& bar) const {
  double nearest_low = kInfinity;
  double nearest_high = kInfinity;
  for (const Order& order : state_.orders) {
    if (order.done || static_cast<std::size_t>(order.instrument) != column ||
        order.acts_as_market() || order.reduce_only ||
        (instruments_[column].is_spot() && order.side < 0)) {
      continue;
    }
    const bool limit = order.acts_as_limit();
    const double level = limit ? order.limit : order.stop;
    const bool below = limit == (order.side > 0);  // buy limit, sell stop: the low
    double& nearest = below ? nearest_low : nearest_high;
    if (given(level)) {
      nearest = std::min(nearest, std::abs(distance(level, bar.open, instruments_[column].tick)));
    }
  }
  return nearest_low <= nearest_high;
}

void Simulator::travel_leg(std::size_t row) {
  double from = 0.0;
  move_trails_along(0.0);
  while (true) {
    const Meeting meeting = next_meeting(from);
    if (meeting.at > 1.0) break;
    from = meeting.at;
    move_trails_along(from);
    if (meeting.liquidation) {
      std::vector<Exposure> exposures;
      gather_exposures(meeting, exposures);
      for (Exposure& exposure : exposures) {
        exposure.mark = tracks_[exposure.column].mark_leg.at(from);
      }
      liquidate(row, exposures, margin_equity(exposures));
    } else {
      execute_inside(row, meeting.order, from);
    }
  }
  move_trails_along(1.0);
}

// The first thing that happens on the leg from `from` on: orders before liquidation at the same
// point (R23), older orders before newer ones.
Simulator::Meeting Simulator::next_meeting(double from) const {
  Meeting meeting;
  for (std::size_t index = 0; index < state_.orders.size(); ++index) {
    const Order& order = state_.orders[index];
    const auto column = static_cast<std::size_t>(order.instrument);
    if (order.done || order.acts_as_market() || !tracks_[column].trades) continue;
    const double at = meets(order, tracks_[column], from);
    if (at < meeting.at) {
      meeting.at = at;
      meeting.order = index;
    }
  }
  if (has_derivatives_) liquidation_on_leg(from, meeting);
  return meeting;
}

// Where on the leg the order's level is met; 2 if nowhere. The corners of the path are prices of
// the market, compared in whole ticks (R9); between them only the leg itself says where a level is.
double Simulator::meets(const Order& order, const Track& track, double from) const {
  constexpr double nowhere = 2.0;
  if (order.guards_nothing()) return nowhere;
  const auto column = static_cast<std::size_t>(order.instrument);
  const double tick = instruments_[column].tick;
  const double here = track.leg.at(from);
  const double hair = 1e-9 * here;
  if (order.acts_as_limit()) {
    const bool target = order.reason == FillReason::TakeProfit;
    if (target && order.inside && !track.finer) return nowhere;  // R16
    if (state_.room[column] == 0.0) return nowhere;              // R20
    const double beyond = order.limit - order.side * tick;  // R15
    const bool through = from == 0.0 ? order.side * compare_prices(here, order.limit, tick) < 0
                                     : order.side * (here - beyond) < hair * (tick > 0.0 ? 1 : -1);
    if (through) return from;
    if (order.side * compare_prices(track.leg.to, order.limit, tick) >= 0) return nowhere;
    return std::max(from, track.leg.fraction_of(beyond));
  }
  if (!given(order.stop)) return nowhere;
  const bool reached = from == 0.0 ? order.side * compare_prices(here, order.stop, tick) >= 0
                                   : order.side * (here - order.stop) >= -hair;
  if (reached) return from;
  if (order.side * compare_prices(track.leg.to, order.stop, tick) < 0) return nowhere;
  return std::max(from, track.leg.fraction_of(order.stop));
}

// An order's level is reached: a stop becomes a market order, a stop-limit arrives, a limit fills.
void Simulator::execute_inside(std::size_t row, std::size_t index, double at) {
  Order& order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  const double tick = instruments_[column].tick;
  if (order.acts_as_limit()) {
    fill_inside(row, index, order.limit, order.limit, true);
    return;
  }
  const Leg& leg = tracks_[column].leg;
  const double here = leg.at(at);
  // At the stop, or beyond it where the price had jumped past (R17).
  const bool beyond = order.side * compare_prices(here, order.stop, tick) > 0;
  const double reference = beyond ? here : order.stop;
  order.triggered = true;
  if (order.protective) {
    cancel_siblings(index);
    begin_exit(index, -order.side);
  }
  if (order.kind == OrderKind::StopLimit) {
    if (order.side * compare_prices(reference, order.limit, tick) > 0) return;  // R14: it rests
    if (refuse_post_only(order)) return;
    const double price = clamp_to_limit(order, round_fill(reference, tick, order.side));
    fill_inside(row, index, price, price, false);
    return;
  }
  const double lots = std::min(static_cast<double>(wanted_inside(order)), room_left(row, column));
  const double slipped = reference * (1.0 + order.side * slippage_at(row, column, lots));
  fill_inside(row, index, round_fill(slipped, tick, order.side), reference, false);
}

// Lots that the order asks for at this point of the path.
std::int64_t Simulator::wanted_inside(const Order& order) const {
  const auto column = static_cast<std::size_t>(order.instrument);
  const std::int64_t held = held_lots(column);
  const bool only_reduces = order.reduce_only || (instruments_[column].is_spot() && order.side < 0);
  if (only_reduces && (held == 0 || (held > 0) == (order.side > 0))) return 0;
  const std::int64_t asked = order.follows ? std::abs(held) : order.lots;
  return only_reduces ? std::min(asked, std::abs(held)) : asked;
}

void Simulator::fill_inside(std::size_t row, std::size_t index, double price, double reference,
                            bool maker) {
  Order& order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  const std::int64_t held = held_lots(column);
  const bool opposes = held != 0 && (held > 0) != (order.side > 0);
  const bool only_reduces = order.reduce_only || (instruments_[column].is_spot() && order.side < 0);
  if (order.follows) order.lots = std::abs(held);
  if (only_reduces && !opposes) return cut_reduction(order);
  const double room = room_left(row, column);
  std::int64_t closing = opposes ? std::min(order.lots, std::abs(held)) : 0;
  const bool beyond_position = only_reduces && order.lots > closing;
  std::int64_t lots = only_reduces ? closing : order.lots;
  if (static_cast<double>(lots) > room) lots = static_cast<std::int64_t>(room);
  closing = std::min(closing, lots);
  const std::int64_t opening = lots - closing;
  state_.room[column] = room - static_cast<double>(closing + opening);  // R11: before the cut
  if (closing > 0) fill(row, index, closing, price, reference, maker, true);
  if (opening > 0) {
    const bool opened = open_inside(row, index, opening, price, reference, maker);
    if (closing > 0 && opened) count(Counter::Flips);
  }
  if (state_.orders[index].done) return;
  if (beyond_position && lots == closing && held_lots(column) == 0) {
    cut_reduction(state_.orders[index]);
  }
}

// R11: as if cash were free, or with the factor that the travel before asked for.
bool Simulator::open_inside(std::size_t row, std::size_t index, std::int64_t lots, double price,
                            double reference, bool maker) {
  const Order& order = state_.orders[index];
  const auto column = static_cast<std::size_t>(order.instrument);
  inside_.push_back(increase_of(order, static_cast<double>(lots), price, maker));
  const std::int64_t allowed = cut_lots(instruments_[column], lots, cut_, price);
  if (allowed > 0) {
    filled_inside_.push_back(increase_of(order, static_cast<double>(allowed), price, maker));
    fill(row, index, allowed, price, reference, maker, true);
  }
  if (allowed < lots) end_cut(index);
  return allowed > 0;
}

// R18: along the path under near-far and finer; under worst only completed bars move a trail.
bool Simulator::trails_move_inside(const Track& track) const {
  return settings_.path == PathRule::NearFar || track.finer;
}

void Simulator::move_trails_along(double at) {
  for (Order& order : state_.orders) {
    if (order.kind != OrderKind::TrailingStop || order.done || order.triggered) continue;
    const auto column = static_cast<std::size_t>(order.instrument);
    const Track& track = tracks_[column];
    if (!track.trades || !given(order.best)) continue;
    const double tick = instruments_[column].tick;
    move_trail(order, trails_move_inside(track) ? track.leg.at(at) : order.best, tick);
  }
}

}  // namespace algotrader
