// The way a bar is travelled: open, first extreme, second extreme, close (R17).
#pragma once

#include "algotrader/simulation_types.hpp"

namespace algotrader {

struct Ohlc {
  double open;
  double high;
  double low;
  double close;
};

struct Leg {
  double from;
  double to;

  double at(double fraction) const noexcept {
    return fraction >= 1.0 ? to : from + (to - from) * fraction;
  }
  // Where on the leg `price` is met, between 0 and 1.
  double fraction_of(double price) const noexcept {
    if (from == to) return 0.0;
    const double fraction = (price - from) / (to - from);
    return fraction < 0.0 ? 0.0 : (fraction > 1.0 ? 1.0 : fraction);
  }
};

// Leg k (0, 1, 2) of a bar.
inline Leg leg_of(const Ohlc& bar, bool low_first, int k) noexcept {
  const double first = low_first ? bar.low : bar.high;
  const double second = low_first ? bar.high : bar.low;
  if (k == 0) return {bar.open, first};
  if (k == 1) return {first, second};
  return {second, bar.close};
}

}  // namespace algotrader
