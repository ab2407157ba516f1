// Sizing, costs and margin as functions: the full driver and portfolio.sizing call what the
// simulator itself uses.
#include "algotrader/sizing.hpp"

#include <stdexcept>

#include "algotrader/cash_factor.hpp"
#include "algotrader/costs.hpp"
#include "algotrader/margin.hpp"
#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

namespace {

int checked_side(int side) {
  if (side != 1 && side != -1) throw std::invalid_argument("side must be 1 or -1");
  return side;
}

// Sequences of (principal, fee_base, fee_rate, fee_minimum), one per increase.
double common_factor(nb::handle increases, double free) {
  std::vector<Increase> costs;
  for (const nb::handle item : increases) {
    costs.push_back({nb::cast<double>(item[0]), nb::cast<double>(item[1]),
                     nb::cast<double>(item[2]), nb::cast<double>(item[3]), 0.0, 0.0});
  }
  return cash_factor(costs, free);
}

}  // namespace

void bind_sizing(nb::module_& module) {
  nb::module_ part = module.def_submodule("sizing", "Sizes, prices, costs and margin (R7 to R23).");
  part.def(
      "lots_from_weight",
      [](nb::handle instrument, double weight, double equity, double price) {
        return lots_from_weight(to_instrument(instrument), weight, equity, price);
      },
      nb::arg("instrument"), nb::arg("weight"), nb::arg("equity"), nb::arg("price"),
      "Signed whole lots of a signed weight of equity; NaN above 2^53 (R9).");
  part.def("whole_lots", &whole_lots, nb::arg("lots"), "Truncated toward zero with 1e-9 of slack.");
  part.def(
      "round_limit",
      [](double price, double tick, int side) {
        return round_limit(price, tick, checked_side(side));
      },
      nb::arg("price"), nb::arg("tick"), nb::arg("side"), "A limit price, passively (R9).");
  part.def(
      "round_stop",
      [](double price, double tick, int side) {
        return round_stop(price, tick, checked_side(side));
      },
      nb::arg("price"), nb::arg("tick"), nb::arg("side"), "A stop, away from the market (R9).");
  part.def(
      "round_fill",
      [](double price, double tick, int side) {
        return round_fill(price, tick, checked_side(side));
      },
      nb::arg("price"), nb::arg("tick"), nb::arg("side"), "A simulated fill, adversely (R9).");
  part.def(
      "below_minimum",
      [](nb::handle instrument, double quantity, double price) {
        return below_minimum(to_instrument(instrument), quantity, price);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("price"),
      "Is an order of this size under the venue's minimum (R9)?");
  part.def(
      "notional",
      [](nb::handle instrument, double quantity, double price) {
        return notional_of(to_instrument(instrument), quantity, price);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("price"),
      "|notional| in the account's currency; the coin for inverse contracts.");
  part.def(
      "quote_notional",
      [](nb::handle instrument, double quantity, double price) {
        return quote_notional(to_instrument(instrument), quantity, price);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("price"),
      "|notional| in quote currency, which minimums and limits are stated in.");
  part.def("order_fee", &order_fee, nb::arg("sum_of_fills"), nb::arg("rate"), nb::arg("minimum"),
           "Fee of a whole order: max(minimum, sum over its fills) while rate > 0 (R14).");
  part.def(
      "slippage_fraction",
      [](nb::handle instrument, double quantity, double sigma, double daily_volume) {
        return slippage_fraction(to_instrument(instrument), quantity, sigma, daily_volume);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("sigma"), nb::arg("daily_volume"),
      "Slippage as a fraction of the price (R22); NaN sigma or volume: no impact.");
  part.def(
      "profit",
      [](nb::handle instrument, double quantity, double entry, double price) {
        return profit_of(to_instrument(instrument), quantity, entry, price);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("entry"), nb::arg("price"),
      "Profit of a signed quantity between two prices; of inverse contracts in the coin (R8).");
  part.def(
      "funding_amount",
      [](nb::handle instrument, double quantity, double mark, double rate) {
        return funding_amount(to_instrument(instrument), quantity, mark, rate);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("mark"), nb::arg("rate"),
      "Money received (+) or paid (-) at a funding stamp (R7).");
  part.def(
      "maintenance_rate",
      [](nb::handle instrument, double notional) {
        return maintenance_rate(to_instrument(instrument), notional);
      },
      nb::arg("instrument"), nb::arg("notional"), "Rate of the notional's tier (R23).");
  part.def(
      "liquidation_price",
      [](nb::handle instrument, double quantity, double entry, double margin) {
        return liquidation_price(to_instrument(instrument), quantity, entry, margin);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("entry"), nb::arg("margin"),
      "Mark at which a lone position with this margin is liquidated (R23). Isolated: its own "
      "margin; cross: the cash that stands behind it. NaN if none.");
  part.def(
      "bankruptcy_price",
      [](nb::handle instrument, double quantity, double mark, double share) {
        return bankruptcy_price(to_instrument(instrument), quantity, mark, share);
      },
      nb::arg("instrument"), nb::arg("quantity"), nb::arg("mark"), nb::arg("share"),
      "Price at which a liquidated position closes; share = (margin equity - fee) / notionals.");
  part.def("cash_factor", &common_factor, nb::arg("increases"), nb::arg("free"),
           "Largest common factor of increases (principal, fee_base, fee_rate, fee_minimum) (R11).");
}

}  // namespace algotrader::bindings
