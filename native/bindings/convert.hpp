// From the typed records of execution/simulation.py to the kernel's structs.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

#include "algotrader/run.hpp"
#include "algotrader/simulation_types.hpp"

namespace algotrader::bindings {

namespace nb = nanobind;

using Floats1 = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Floats2 = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Floats3 = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Ints1 = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Bools1 = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Output1 = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Output2 = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A panel whose arrays stay alive as long as it does. Arrays were checked by the facade.
class NativePanel {
 public:
  explicit NativePanel(nb::handle panel);
  const PanelView& view() const noexcept { return view_; }

 private:
  const double* matrix(nb::handle panel, const char* name);
  const double* cube(nb::handle panel, const char* name);
  const std::int64_t* integers(nb::handle panel, const char* name, std::size_t* count = nullptr);

  PanelView view_;
  std::vector<nb::object> kept_;
};

Instrument to_instrument(nb::handle record);
std::vector<Instrument> to_instruments(nb::handle records);
Settings to_settings(nb::handle record);
Request to_request(nb::handle record);
Script to_script(nb::handle script);

// The fills, as a dict of arrays by column name.
nb::dict fills_of(const std::vector<Fill>& fills);
nb::dict counters_of(const Counters& counters);
// All of a run but what its recording holds.
nb::dict result_of(const Simulator& simulator);

// An array of `get` of each record.
template <typename T, typename Record, typename Get>
nb::ndarray<nb::numpy, T, nb::ndim<1>> column_of(const std::vector<Record>& records, Get get) {
  auto* data = new T[records.size() + 1];
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  for (std::size_t k = 0; k < records.size(); ++k) data[k] = static_cast<T>(get(records[k]));
  return nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {records.size()}, owner);
}

// An array that owns a copy of the values.
template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> array_of(const std::vector<T>& values) {
  return column_of<T>(values, [](const T& value) { return value; });
}

}  // namespace algotrader::bindings
