// Margin and liquidation at a given set of marks (R23).
#include <algorithm>
#include <cmath>

#include "algotrader/margin.hpp"
#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

double Simulator::margin_equity(const std::vector<Exposure>& exposures) const {
  const bool isolated = settings_.margin_mode == MarginMode::Isolated;
  double equity = isolated ? 0.0 : state_.cash;
  for (const Exposure& exposure : exposures) {
    const Position& position = state_.positions[exposure.column];
    if (isolated) equity += position.margin;
    equity += profit_of(instruments_[exposure.column], position.quantity, position.entry,
                        exposure.mark);
  }
  return equity;
}

// Margin equity above what maintenance and the liquidation fee need; at or below 0 it is over.
double Simulator::margin_gap(const std::vector<Exposure>& exposures) const {
  double need = 0.0;
  for (const Exposure& exposure : exposures) {
    const Instrument& instrument = instruments_[exposure.column];
    const double notional =
        notional_of(instrument, state_.positions[exposure.column].quantity, exposure.mark);
    need += notional * (maintenance_rate(instrument, notional) + instrument.liquidation_fee);
  }
  return margin_equity(exposures) - need;
}

bool Simulator::liquidate_where_due(std::size_t row, const std::vector<Exposure>& exposures) {
  if (settings_.margin_mode == MarginMode::Cross) {
    if (margin_gap(exposures) > 0.0) return false;
    liquidate(row, exposures, margin_equity(exposures));
    return true;
  }
  bool any = false;
  for (const Exposure& exposure : exposures) {
    const std::vector<Exposure> alone{exposure};
    if (margin_gap(alone) > 0.0) continue;
    liquidate(row, alone, margin_equity(alone));
    any = true;
  }
  return any;
}

// All of it closes at the prices at which nothing is left after the fee (R23).
void Simulator::liquidate(std::size_t row, const std::vector<Exposure>& exposures, double equity) {
  double notionals = 0.0;
  double fees = 0.0;
  for (const Exposure& exposure : exposures) {
    const Instrument& instrument = instruments_[exposure.column];
    const double notional =
        notional_of(instrument, state_.positions[exposure.column].quantity, exposure.mark);
    notionals += notional;
    fees += notional * instrument.liquidation_fee;
  }
  const double share = (equity - fees) / notionals;
  for (const Exposure& exposure : exposures) {
    const Instrument& instrument = instruments_[exposure.column];
    const double quantity = state_.positions[exposure.column].quantity;
    const double fee =
        notional_of(instrument, quantity, exposure.mark) * instrument.liquidation_fee;
    close_out(row, exposure.column, bankruptcy_price(instrument, quantity, exposure.mark, share),
              fee, FillReason::Liquidation);
    block_entries(exposure.column, quantity > 0.0 ? 1 : -1);
    count(Counter::Liquidations);
  }
  if (settings_.margin_mode == MarginMode::Cross) state_.cash = 0.0;  // but for rounding it is
  for (Order& order : state_.orders) {
    const auto column = static_cast<std::size_t>(order.instrument);
    bool affected = settings_.margin_mode == MarginMode::Cross && instruments_[column].is_derivative();
    for (const Exposure& exposure : exposures) affected |= exposure.column == column;
    if (affected) finish(order, OrderState::Cancelled);
  }
}

void Simulator::gather_exposures(const Meeting& meeting, std::vector<Exposure>& exposures) const {
  exposures.clear();
  const bool isolated = settings_.margin_mode == MarginMode::Isolated;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    if (instruments_[column].is_spot() || state_.positions[column].quantity == 0.0) continue;
    if (isolated && column != meeting.column) continue;
    exposures.push_back({column, 0.0});
  }
}

void Simulator::liquidation_on_leg(double from, Meeting& meeting) const {
  Meeting probe;
  probe.liquidation = true;
  std::vector<Exposure> exposures;
  const bool isolated = settings_.margin_mode == MarginMode::Isolated;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    probe.column = column;
    gather_exposures(probe, exposures);
    if (!exposures.empty()) {
      probe.at = first_liquidation(exposures, from);
      if (probe.at < meeting.at) meeting = probe;  // at the same point the order acts first
    }
    if (!isolated) return;
  }
}

// Margin gap at a fraction of the leg, with the maintenance rates of the notionals at `rates_at`.
double Simulator::gap_at(std::vector<Exposure>& exposures, double at, double rates_at) const {
  double need = 0.0;
  for (Exposure& exposure : exposures) {
    const Instrument& instrument = instruments_[exposure.column];
    const Leg& leg = tracks_[exposure.column].mark_leg;
    const double quantity = state_.positions[exposure.column].quantity;
    exposure.mark = leg.at(at);
    const double rate =
        maintenance_rate(instrument, notional_of(instrument, quantity, leg.at(rates_at)));
    need += notional_of(instrument, quantity, exposure.mark) * (rate + instrument.liquidation_fee);
  }
  return margin_equity(exposures) - need;
}

// First fraction of the leg at which the margin gap is gone; 2 if none. Between the points where
// a notional crosses a tier's bound, rates are constant and the gap is smooth; on legs of linear
// contracts it is a straight line.
double Simulator::first_liquidation(const std::vector<Exposure>& given_exposures,
                                    double from) const {
  std::vector<Exposure> exposures = given_exposures;
  std::vector<double> bounds{from, 1.0};
  bool straight = true;
  for (const Exposure& exposure : exposures) {
    const Instrument& instrument = instruments_[exposure.column];
    const bool inverse = instrument.kind == InstrumentKind::Inverse;
    straight &= !inverse;
    const double size =
        std::abs(state_.positions[exposure.column].quantity) * instrument.multiplier;
    const Leg& leg = tracks_[exposure.column].mark_leg;
    for (const Tier& tier : instrument.tiers) {
      const double price = inverse ? size / tier.upper : tier.upper / size;
      const bool met = (leg.from - price) * (leg.to - price) < 0.0;
      if (met && leg.fraction_of(price) > from) bounds.push_back(leg.fraction_of(price));
    }
  }
  std::sort(bounds.begin(), bounds.end());
  for (std::size_t k = 0; k + 1 < bounds.size(); ++k) {
    const double left = bounds[k];
    const double right = bounds[k + 1];
    const double middle = left + (right - left) / 2.0;
    const double gap_left = gap_at(exposures, left, middle);
    if (gap_left <= 0.0) return left;
    const double gap_right = gap_at(exposures, right, middle);
    if (gap_right > 0.0) continue;
    if (straight) return left + (right - left) * (gap_left / (gap_left - gap_right));
    double low = left;
    double high = right;
    for (int step = 0; step < 200 && low < high; ++step) {
      const double half = low + (high - low) / 2.0;
      if (half == low || half == high) break;
      (gap_at(exposures, half, middle) > 0.0 ? low : high) = half;
    }
    return high;
  }
  return 2.0;
}

}  // namespace algotrader
