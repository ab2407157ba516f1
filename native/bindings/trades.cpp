#include "algotrader/trades.hpp"

#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

namespace {

using Bytes1 = nb::ndarray<const std::int8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::vector<Fill> to_fills(nb::handle record) {
  const auto row = nb::cast<Ints1>(record.attr("row"));
  const auto instrument = nb::cast<Ints1>(record.attr("instrument"));
  const auto quantity = nb::cast<Floats1>(record.attr("quantity"));
  const auto price = nb::cast<Floats1>(record.attr("price"));
  const auto fee = nb::cast<Floats1>(record.attr("fee"));
  const auto slippage = nb::cast<Floats1>(record.attr("slippage"));
  const auto reason = nb::cast<Bytes1>(record.attr("reason"));
  const auto opening = nb::cast<Bools1>(record.attr("opening"));
  const auto ambiguous = nb::cast<Bools1>(record.attr("ambiguous"));
  std::vector<Fill> fills(row.shape(0));
  for (std::size_t k = 0; k < fills.size(); ++k) {
    fills[k].row = row.data()[k];
    fills[k].instrument = instrument.data()[k];
    fills[k].quantity = quantity.data()[k];
    fills[k].price = price.data()[k];
    fills[k].fee = fee.data()[k];
    fills[k].slippage = slippage.data()[k];
    fills[k].reason = static_cast<FillReason>(reason.data()[k]);
    fills[k].opening = opening.data()[k];
    fills[k].ambiguous = ambiguous.data()[k];
  }
  return fills;
}

nb::dict columns_of(const std::vector<Trade>& trades, const PanelView& panel) {
  const auto ts = [&](std::int64_t row) { return panel.ts[static_cast<std::size_t>(row)]; };
  nb::dict out;
  const auto integers = [&](const char* name, auto get) {
    out[name] = column_of<std::int64_t>(trades, get);
  };
  const auto floats = [&](const char* name, auto get) { out[name] = column_of<double>(trades, get); };
  const auto bytes = [&](const char* name, auto get) {
    out[name] = column_of<std::int8_t>(trades, get);
  };
  integers("instrument", [](const Trade& t) { return t.instrument; });
  integers("entry_ts", [&](const Trade& t) { return ts(t.entry_row); });
  integers("exit_ts", [&](const Trade& t) { return ts(t.exit_row); });
  bytes("side", [](const Trade& t) { return t.side; });
  floats("quantity", [](const Trade& t) { return t.quantity; });
  floats("entry_price", [](const Trade& t) { return t.entry_price; });
  floats("exit_price", [](const Trade& t) { return t.exit_price; });
  floats("fees", [](const Trade& t) { return t.fees; });
  floats("funding", [](const Trade& t) { return t.funding; });
  floats("slippage", [](const Trade& t) { return t.slippage; });
  floats("profit", [](const Trade& t) { return t.profit; });
  floats("return_", [](const Trade& t) { return t.return_; });
  floats("mae", [](const Trade& t) { return t.mae; });
  floats("mfe", [](const Trade& t) { return t.mfe; });
  integers("bars", [](const Trade& t) { return t.exit_row - t.entry_row; });
  bytes("exit_reason", [](const Trade& t) { return t.exit_reason; });
  bytes("ambiguous", [](const Trade& t) { return t.ambiguous; });
  bytes("is_open", [](const Trade& t) { return t.is_open; });
  return out;
}

nb::dict trades_of(const NativePanel& panel, nb::handle records, nb::handle result,
                   bool close_only, bool fifo) {
  const std::vector<Instrument> instruments = to_instruments(records);
  const std::vector<Fill> fills = to_fills(result.attr("fills"));
  // Without stamps nothing was paid, and the array of it is one number for all.
  const nb::object paid = result.attr("funding");
  const bool funded = panel.view().fundings > 0;
  const double* funding = funded ? nb::cast<Floats2>(paid).data() : nullptr;
  const auto rows = nb::cast<Ints1>(result.attr("ambiguous_row"));
  const auto columns = nb::cast<Ints1>(result.attr("ambiguous_instrument"));
  std::vector<AmbiguousBar> ambiguous;
  for (std::size_t k = 0; k < rows.shape(0); ++k) {
    ambiguous.push_back({rows.data()[k], columns.data()[k]});
  }
  const TradeInput input{panel.view(), instruments, fills, funding, ambiguous, close_only};
  return columns_of(fifo ? fifo_trades(input) : round_trips(input), panel.view());
}

}  // namespace

void bind_trades(nb::module_& module) {
  module.def("trades", &trades_of, nb::arg("panel"), nb::arg("instruments"), nb::arg("result"),
             nb::arg("close_only"), nb::arg("fifo"), "Round trips of a run as columns (R32).");
}

}  // namespace algotrader::bindings
