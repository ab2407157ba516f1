#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

namespace {

// One simulation that its caller drives row by row. Prices of a row are read when it is stepped
// onto, so rows that are still to come may be written until then.
class Stepper {
 public:
  Stepper(const NativePanel& panel, nb::handle instruments, nb::handle settings)
      : panel_(panel),
        simulator_(panel_.view(), to_instruments(instruments), to_settings(settings)) {}

  std::int64_t next_row() const noexcept { return next_row_; }

  void step() {
    if (static_cast<std::size_t>(next_row_) >= panel_.view().rows) {
      throw std::out_of_range("the panel has no more rows");
    }
    simulator_.step(static_cast<std::size_t>(next_row_++));
  }

  std::int64_t request(nb::handle record) {
    return simulator_.request(now(), to_request(record));
  }

  void decide() { simulator_.decide(now(), nullptr); }

  nb::dict fills_from(std::size_t first) const {
    const std::vector<Fill>& all = simulator_.fills();
    if (first > all.size()) throw std::out_of_range("there are not so many fills");
    return fills_of({all.begin() + static_cast<std::ptrdiff_t>(first), all.end()});
  }

  std::size_t fills() const noexcept { return simulator_.fills().size(); }
  double cash() const noexcept { return simulator_.cash(); }
  double equity() const noexcept { return simulator_.equity(); }
  const std::vector<double>& positions() const { return simulator_.quantities(); }
  const std::vector<double>& funding() const { return simulator_.funding_of_bar(); }
  std::vector<std::int64_t> take_ended() { return simulator_.take_ended(); }

  int order_state(std::int64_t number) const {
    const auto& states = simulator_.order_states();
    if (number < 0 || static_cast<std::size_t>(number) >= states.size()) {
      throw std::out_of_range("there is no order of that number");
    }
    return static_cast<int>(states[static_cast<std::size_t>(number)]);
  }

 private:
  std::size_t now() const {
    if (next_row_ == 0) throw std::logic_error("nothing was stepped onto yet");
    return static_cast<std::size_t>(next_row_ - 1);
  }

  NativePanel panel_;
  Simulator simulator_;
  std::int64_t next_row_ = 0;
};

}  // namespace

void bind_stepper(nb::module_& module) {
  nb::class_<Stepper>(module, "Stepper", "One simulation that its caller drives row by row.")
      .def(nb::init<const NativePanel&, nb::handle, nb::handle>(), nb::arg("panel"),
           nb::arg("instruments"), nb::arg("settings"))
      .def_prop_ro("next_row", &Stepper::next_row)
      .def("step", &Stepper::step, "R7 (1) to (7) of the next row.")
      .def("request", &Stepper::request, nb::arg("request"),
           "An explicit request at the decision of the row; the number of a new order, or -1.")
      .def("decide", &Stepper::decide, "Ends the requests of the row (R7, 8).")
      .def("fills_from", &Stepper::fills_from, nb::arg("first"))
      .def_prop_ro("fills", &Stepper::fills)
      .def_prop_ro("cash", &Stepper::cash)
      .def_prop_ro("equity", &Stepper::equity)
      .def_prop_ro("positions", &Stepper::positions)
      .def_prop_ro("funding", &Stepper::funding)
      .def("take_ended", &Stepper::take_ended, "Numbers of orders that ended since last asked.")
      .def("order_state", &Stepper::order_state, nb::arg("number"));
}

}  // namespace algotrader::bindings
