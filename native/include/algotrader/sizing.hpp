// From wanted size to whole lots, from wanted price to whole ticks (R9).
#pragma once

#include <cmath>
#include <cstdint>

#include "algotrader/simulation_types.hpp"

namespace algotrader {

// A quantity a billionth of a lot short of a whole lot is that whole lot (R9).
inline constexpr double kLotSlack = 1e-9;
// Weights that sum to 1 but for rounding are not above 1 (R11, R12).
inline constexpr double kSumSlack = 1e-9;
// More lots than this are not exact in float64, so they are refused (R9).
inline constexpr double kMaxLots = 9007199254740992.0;  // 2^53

enum class Round { Down, Up };

// lots = trunc(x + sign(x) * 1e-9), toward zero for shorts too (R9). NaN if above 2^53.
inline double whole_lots(double lots) noexcept {
  const double whole = std::trunc(lots + (lots > 0.0 ? kLotSlack : (lots < 0.0 ? -kLotSlack : 0.0)));
  return std::abs(whole) <= kMaxLots ? whole : kNone;
}

// Money of one lot at `price`, in the account's currency (the coin for inverse contracts).
inline double lot_value(const Instrument& instrument, double price) noexcept {
  const double units = instrument.multiplier * instrument.lot;
  return instrument.kind == InstrumentKind::Inverse ? units / price : price * units;
}

// |notional| of a quantity at a price, in the account's currency (R14).
inline double notional_of(const Instrument& instrument, double quantity, double price) noexcept {
  const double units = std::abs(quantity) * instrument.multiplier;
  return instrument.kind == InstrumentKind::Inverse ? units / price : units * price;
}

// Notional in quote currency, which is what venues state their minimum in.
inline double quote_notional(const Instrument& instrument, double quantity, double price) noexcept {
  const double units = std::abs(quantity) * instrument.multiplier;
  return instrument.kind == InstrumentKind::Inverse ? units : units * price;
}

// Signed whole lots of a signed weight of `equity` at `price` (R9). NaN if above 2^53 lots.
double lots_from_weight(const Instrument& instrument, double weight, double equity,
                        double price) noexcept;

// Whole ticks nearest to a price; prices are compared in whole ticks (R9).
inline double ticks_of(double price, double tick) noexcept { return std::nearbyint(price / tick); }

// Price on the tick grid at or beyond `price` in the given direction (R9); tick 0 leaves it.
double round_price(double price, double tick, Round direction) noexcept;

// Our limit prices are rounded passively: a buy down, a sell up (R9).
inline double round_limit(double price, double tick, int side) noexcept {
  return round_price(price, tick, side > 0 ? Round::Down : Round::Up);
}
// Stops away from the market: a sell down, a buy up. Simulated fills adversely: the same (R9).
inline double round_stop(double price, double tick, int side) noexcept {
  return round_price(price, tick, side > 0 ? Round::Up : Round::Down);
}
inline double round_fill(double price, double tick, int side) noexcept {
  return round_price(price, tick, side > 0 ? Round::Up : Round::Down);
}

// Is a below, at or above b, in whole ticks? -1, 0, 1.
inline int compare_prices(double a, double b, double tick) noexcept {
  if (tick > 0.0) {
    a = ticks_of(a, tick);
    b = ticks_of(b, tick);
  }
  return a < b ? -1 : (a > b ? 1 : 0);
}

// Is an order of this size under the venue's minimum (R9)?
inline bool below_minimum(const Instrument& instrument, double quantity, double price) noexcept {
  // A hair of slack: 0.07 / 0.01 lots times 0.01 must not miss a minimum of 0.07.
  const double slack = 1.0 - 1e-12;
  return std::abs(quantity) < instrument.min_quantity * slack ||
         quote_notional(instrument, quantity, price) < instrument.min_notional * slack;
}

}  // namespace algotrader
