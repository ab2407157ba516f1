#include <nanobind/stl/optional.h>

#include <optional>

#include "algotrader/run.hpp"
#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

namespace {

nb::dict simulate(const NativePanel& panel, nb::handle instruments, nb::handle settings,
                  std::optional<Floats2> targets, nb::handle script, Output1 equity, Output1 cash,
                  std::optional<Output2> position, std::optional<Output2> funding,
                  bool skip_rests) {
  Simulator simulator(panel.view(), to_instruments(instruments), to_settings(settings));
  const Script requests = to_script(script);
  Recording recording;
  recording.equity = equity.data();
  recording.cash = cash.data();
  recording.position = position ? position->data() : nullptr;
  recording.funding = funding ? funding->data() : nullptr;
  {
    const nb::gil_scoped_release released;
    const bool lone = panel.view().columns == 1 && targets && requests.empty();
    if (lone && skip_rests) {
      run_lone(simulator, PanelIndex(panel.view(), false), targets->data(), recording);
    } else {
      run_rows(simulator, targets ? targets->data() : nullptr, requests, recording,
               skip_rests);
    }
  }
  return result_of(simulator);
}

}  // namespace

nb::dict result_of(const Simulator& simulator) {
  nb::dict out;
  out["fills"] = fills_of(simulator.fills());
  std::vector<std::int8_t> states;
  for (const OrderState state : simulator.order_states()) {
    states.push_back(static_cast<std::int8_t>(state));
  }
  out["order_state"] = array_of(states);
  out["counters"] = counters_of(simulator.counters());
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> columns;
  for (const AmbiguousBar& bar : simulator.ambiguous_bars()) {
    rows.push_back(bar.row);
    columns.push_back(bar.instrument);
  }
  out["ambiguous_row"] = array_of(rows);
  out["ambiguous_instrument"] = array_of(columns);
  return out;
}

void bind_simulation(nb::module_& module) {
  nb::class_<NativePanel>(module, "Panel", "A checked panel whose arrays the kernel reads.")
      .def(nb::init<nb::handle>(), nb::arg("panel"));
  module.def("simulate", &simulate, nb::arg("panel"), nb::arg("instruments"), nb::arg("settings"),
             nb::arg("targets").none(), nb::arg("script").none(), nb::arg("equity"),
             nb::arg("cash"), nb::arg("position").none(), nb::arg("funding").none(),
             nb::arg("skip_rests") = true,
             "One run with target weights and scripted requests; fills arrays handed in.");
}

}  // namespace algotrader::bindings
