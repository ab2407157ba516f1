#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <tuple>

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
        simulator_(panel_.view(), to_instruments(instruments), to_settings(settings)) {
    simulator_.serve_a_venue();
  }

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

  std::int64_t work(int instrument, int side, double quantity, double wanted, bool capped,
                    bool reduce_only, int tif) {
    Work work;
    work.instrument = checked(instrument);
    work.side = side;
    work.quantity = quantity;
    work.wanted = wanted;
    work.capped = capped;
    work.reduce_only = reduce_only;
    work.tif = static_cast<TimeInForce>(tif);
    return simulator_.work(now(), work);
  }

  void set_protection(int instrument, double stop_loss, double take_profit, double trailing) {
    simulator_.set_protection(static_cast<std::size_t>(checked(instrument)),
                              {stop_loss, take_profit, trailing});
  }

  void protect(int instrument, std::int64_t opener) {
    simulator_.protect(static_cast<std::size_t>(checked(instrument)), opener);
  }

  void cancel_guard(std::int64_t opener, std::int64_t generation, int reason, int instrument) {
    simulator_.cancel_guard({opener, generation, static_cast<FillReason>(reason),
                             static_cast<std::int32_t>(checked(instrument)), false});
  }

  using GuardRow = std::tuple<std::int64_t, std::int64_t, int, int, bool>;
  static std::vector<GuardRow> rows_of(const std::vector<Guard>& guards) {
    std::vector<GuardRow> rows;
    for (const Guard& guard : guards) {
      rows.emplace_back(guard.opener, guard.generation, static_cast<int>(guard.reason),
                        static_cast<int>(guard.instrument), guard.triggered);
    }
    return rows;
  }
  std::vector<GuardRow> guards() const { return rows_of(simulator_.guards()); }
  std::vector<GuardRow> take_guard_news() { return rows_of(simulator_.take_guard_news()); }

  std::vector<std::pair<std::int64_t, std::int64_t>> openers_from(std::size_t first) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> found;
    const std::vector<Fill>& all = simulator_.fills();
    for (std::size_t k = first; k < all.size(); ++k) {
      found.emplace_back(all[k].opener, all[k].generation);
    }
    return found;
  }

  void decide() { simulator_.decide(now(), nullptr); }

  nb::dict fills_from(std::size_t first) const {
    const std::vector<Fill>& all = simulator_.fills();
    if (first > all.size()) throw std::out_of_range("there are not so many fills");
    return fills_of({all.begin() + static_cast<std::ptrdiff_t>(first), all.end()});
  }

  nb::dict result() const { return result_of(simulator_); }
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
  int checked(int instrument) const {
    if (instrument < 0 || static_cast<std::size_t>(instrument) >= panel_.view().columns) {
      throw std::out_of_range("there is no such instrument");
    }
    return instrument;
  }

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
      .def("work", &Stepper::work, nb::arg("instrument"), nb::arg("side"), nb::arg("quantity"),
           nb::arg("wanted"), nb::arg("capped"), nb::arg("reduce_only"), nb::arg("tif"),
           "An order of a target, towards the position `wanted`; its number.")
      .def("set_protection", &Stepper::set_protection, nb::arg("instrument"),
           nb::arg("stop_loss"), nb::arg("take_profit"), nb::arg("trailing"),
           "R19 for what is held of an instrument; NaN for none.")
      .def("protect", &Stepper::protect, nb::arg("instrument"), nb::arg("opener"),
           "Protect what is held anew, under an opener of the caller's.")
      .def("cancel_guard", &Stepper::cancel_guard, nb::arg("opener"), nb::arg("generation"),
           nb::arg("reason"), nb::arg("instrument"))
      .def("guards", &Stepper::guards,
           "Protective orders on the book: (opener, generation, reason, instrument, triggered).")
      .def("take_guard_news", &Stepper::take_guard_news,
           "Those made, then those triggered, since last asked; gone ones among them.")
      .def("openers_from", &Stepper::openers_from, nb::arg("first"),
           "(opener, generation) of each fill; -1 where it is of no protective order.")
      .def("decide", &Stepper::decide, "Ends the requests of the row (R7, 8).")
      .def("fills_from", &Stepper::fills_from, nb::arg("first"))
      .def("result", &Stepper::result, "Fills, states of orders, counters, ambiguous bars so far.")
      .def_prop_ro("fills", &Stepper::fills)
      .def_prop_ro("cash", &Stepper::cash)
      .def_prop_ro("equity", &Stepper::equity)
      .def_prop_ro("positions", &Stepper::positions)
      .def_prop_ro("funding", &Stepper::funding)
      .def("take_ended", &Stepper::take_ended, "Numbers of orders that ended since last asked.")
      .def("order_state", &Stepper::order_state, nb::arg("number"));
}

}  // namespace algotrader::bindings
