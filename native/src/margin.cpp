#include "algotrader/margin.hpp"

namespace algotrader {

double maintenance_rate(const Instrument& instrument, double notional) noexcept {
  for (const Tier& tier : instrument.tiers) {
    if (notional <= tier.upper) return tier.rate;
  }
  return instrument.tiers.empty() ? 0.0 : instrument.tiers.back().rate;
}

namespace {

// Price at which margin + profit(price) = rate * notional(price), for one rate.
double price_at_rate(const Instrument& instrument, double quantity, double entry, double margin,
                     double rate) noexcept {
  const double units = quantity * instrument.multiplier;
  const double size = std::abs(units);
  if (instrument.kind == InstrumentKind::Inverse) {
    return (units + size * rate) / (margin + units / entry);
  }
  return (units * entry - margin) / (units - size * rate);
}

}  // namespace

double liquidation_price(const Instrument& instrument, double quantity, double entry,
                         double margin) noexcept {
  if (quantity == 0.0) return kNone;
  const bool falling = quantity > 0.0;  // the direction that hurts
  double found = kNone;
  const auto offer = [&](double price) {
    // Of several answers the one met first: the highest for a long, the lowest for a short.
    if (!given(found) || (falling ? price > found : price < found)) found = price;
  };
  const std::size_t count = instrument.tiers.empty() ? 1 : instrument.tiers.size();
  double lower = 0.0;
  for (std::size_t k = 0; k < count; ++k) {
    const bool last = k + 1 == count;
    const double rate =
        (instrument.tiers.empty() ? 0.0 : instrument.tiers[k].rate) + instrument.liquidation_fee;
    const double upper = last ? kInfinity : instrument.tiers[k].upper;
    const double price = price_at_rate(instrument, quantity, entry, margin, rate);
    const double notional = price > 0.0 ? notional_of(instrument, quantity, price) : kNone;
    if (price > 0.0 && std::isfinite(price) && notional > lower && notional <= upper) offer(price);
    // Where what hurts also raises the notional, crossing a bound may itself be the point.
    if (k > 0 && falling == (instrument.kind == InstrumentKind::Inverse)) {
      const double size = std::abs(quantity) * instrument.multiplier;
      const double bound =
          instrument.kind == InstrumentKind::Inverse ? size / lower : lower / size;
      if (margin + profit_of(instrument, quantity, entry, bound) <= lower * rate) offer(bound);
    }
    lower = upper;
  }
  return found;
}

}  // namespace algotrader
