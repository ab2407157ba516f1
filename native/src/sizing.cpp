#include "algotrader/sizing.hpp"

namespace algotrader {

double lots_from_weight(const Instrument& instrument, double weight, double equity,
                        double price) noexcept {
  if (!(equity > 0.0)) return 0.0;  // R8: equity <= 0 sizes 0
  return whole_lots(weight * equity / lot_value(instrument, price));
}

double round_price(double price, double tick, Round direction) noexcept {
  if (!(tick > 0.0)) return price;
  const double ticks = price / tick;
  const double whole =
      direction == Round::Up ? std::ceil(ticks - kLotSlack) : std::floor(ticks + kLotSlack);
  return whole * tick;
}

}  // namespace algotrader
