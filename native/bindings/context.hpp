// What a bar-by-bar strategy is handed: a run of its own and a view of one instrument in it (R36).
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "algotrader/run.hpp"
#include "convert.hpp"

namespace algotrader::bindings {

struct Feature {
  const double* values;
  std::size_t stride;  // 1 for (T,), N for (T, N)
  bool wide;           // (T, N)

  double at(std::size_t row, std::size_t column) const noexcept {
    return values[row * stride + (wide ? column : 0)];
  }
};

// One event-driven run: the simulator, the features, and where the run stands.
class Simulation {
 public:
  Simulation(const NativePanel& panel, nb::handle instruments, nb::handle settings,
             nb::handle features);

  const Feature& feature(nb::handle name);
  std::vector<std::string> feature_names() const;
  // Raises a request at the present decision; the number of its order, -1 if none was made.
  std::int64_t raise(const Request& request);
  std::int64_t number_of_group(const std::string& name);
  std::int64_t number_of_tag(const std::string& name);

  NativePanel panel;  // kept: the simulator reads its arrays
  Simulator simulator;
  std::size_t row = 0;
  std::int64_t column = -1;   // instrument being decided on, for messages
  std::size_t orders_from = 0;  // requests of earlier rows are dropped (R30)
  std::vector<std::string> tags;

 private:
  std::vector<std::pair<PyObject*, std::size_t>> seen_;  // names by address, for speed
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Feature> features_;
  std::vector<nb::object> kept_;
  std::unordered_map<std::string, std::int64_t> groups_;
  std::size_t groups_row_ = 0;
  std::int64_t next_group_ = 0;
  std::unordered_map<std::string, std::int64_t> tag_numbers_;
};

struct OrderRef {
  nb::object owner;  // the Simulation, kept alive
  std::int64_t number;

  OrderRef(Simulation* run, std::int64_t order) : owner(nb::find(*run)), number(order) {}
};

struct BarView {
  std::int64_t ts;
  double open, high, low, close, volume;
};

struct PositionView {
  double quantity, entry, unrealised;
};

// The base of a strategy's context; Python may derive from it.
class Context {
 public:
  Context(Simulation& simulation, std::size_t column) : run(&simulation), column_(column) {
    if (column >= simulation.simulator.panel().columns) throw nb::index_error("no such instrument");
  }

  std::size_t column() const noexcept { return column_; }
  BarView bar() const;
  PositionView position() const;
  bool crossed_above(nb::handle a, nb::handle b) const;
  bool crossed_below(nb::handle a, nb::handle b) const;
  double value(nb::handle name) const { return run->feature(name).at(run->row, column_); }

  Simulation* run;

 private:
  std::size_t column_;
};

}  // namespace algotrader::bindings
