// Derivatives: profit, funding (R7), maintenance margin and liquidation (R8, R23).
#pragma once

#include <cmath>

#include "algotrader/simulation_types.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

// Profit of a signed quantity from `entry` to `price`; of inverse contracts in the coin (R8).
inline double profit_of(const Instrument& instrument, double quantity, double entry,
                        double price) noexcept {
  if (quantity == 0.0) return 0.0;
  if (instrument.kind == InstrumentKind::Inverse) {
    return quantity * instrument.multiplier * (1.0 / entry - 1.0 / price);
  }
  return quantity * (price - entry) * instrument.multiplier;
}

// Money received (+) or paid (-) at a funding stamp: longs pay a positive rate (R7).
inline double funding_amount(const Instrument& instrument, double quantity, double mark,
                             double rate) noexcept {
  const double notional = notional_of(instrument, quantity, mark) * rate;
  return quantity > 0.0 ? -notional : (quantity < 0.0 ? notional : 0.0);
}

// Maintenance rate of a notional: upper bounds included, one rate for the whole position, the
// last rate above the last bound; 0 without tiers (R23).
double maintenance_rate(const Instrument& instrument, double notional) noexcept;

// Mark at which an isolated position is liquidated: margin + profit = notional * (rate + fee),
// searched tier by tier. NaN if no positive price does (R23). `margin` in settlement currency.
double liquidation_price(const Instrument& instrument, double quantity, double entry,
                         double margin) noexcept;

// Price at which liquidated positions close so that nothing is left after the fee:
// mark * (1 - sign * share), share = (margin equity - fee) / sum of notionals (R23).
inline double bankruptcy_price(const Instrument& instrument, double quantity, double mark,
                               double share) noexcept {
  const double sign = quantity > 0.0 ? 1.0 : -1.0;
  if (instrument.kind == InstrumentKind::Inverse) return mark / (1.0 + sign * share);
  return mark * (1.0 - sign * share);
}

}  // namespace algotrader
