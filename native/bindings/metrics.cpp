#include "algotrader/metrics.hpp"

#include <nanobind/ndarray.h>

#include <cmath>
#include <memory>
#include <stdexcept>

#include "module.hpp"

namespace nb = nanobind;

namespace algotrader::bindings {
namespace {

using Table = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Owned = nb::ndarray<nb::numpy, double>;

Owned owned(std::unique_ptr<double[]> values, std::initializer_list<std::size_t> shape) {
  double* data = values.release();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
  return Owned(data, shape, owner);
}

Owned main_metrics(const Table& returns, double periods, double years, unsigned threads) {
  if (!(periods > 0.0)) throw std::invalid_argument("periods_per_year is positive");
  const std::size_t series = returns.shape(0), count = returns.shape(1);
  auto rows = std::make_unique<double[]>(series * metrics::COLUMNS);
  {
    nb::gil_scoped_release unlocked;
    metrics::main_metrics(returns.data(), series, count, {periods, years}, threads, rows.get());
  }
  auto columns = std::make_unique<double[]>(series * metrics::COLUMNS);
  for (std::size_t s = 0; s < series; ++s) {
    const double* row = rows.get() + s * metrics::COLUMNS;
    // The whole row is left undefined when the sum of a series is not finite.
    if (count > 0 && std::isnan(row[0])) throw std::invalid_argument("returns are finite");
    for (std::size_t k = 0; k < metrics::COLUMNS; ++k) columns[k * series + s] = row[k];
  }
  return owned(std::move(columns), {metrics::COLUMNS, series});
}

nb::tuple cscv(const Table& returns, std::size_t blocks, unsigned threads) {
  const std::size_t trials = returns.shape(0), count = returns.shape(1);
  if (blocks < 2 || blocks > 22 || blocks % 2 != 0 || count % blocks != 0 || trials == 0 ||
      count < 2 * blocks) {
    throw std::invalid_argument("blocks is even, from 2 to 22, and divides the days");
  }
  const std::size_t splits = metrics::cscv_splits(blocks);
  auto rank = std::make_unique<double[]>(splits), inside = std::make_unique<double[]>(splits),
       outside = std::make_unique<double[]>(splits);
  {
    nb::gil_scoped_release unlocked;
    metrics::cscv(returns.data(), trials, count, blocks, threads, rank.get(), inside.get(),
                  outside.get());
  }
  return nb::make_tuple(owned(std::move(rank), {splits}), owned(std::move(inside), {splits}),
                        owned(std::move(outside), {splits}));
}

}  // namespace

void bind_metrics(nb::module_& module) {
  nb::module_ part = module.def_submodule("metrics", "Metrics of daily returns, and CSCV.");
  part.attr("COLUMNS") = static_cast<int>(metrics::COLUMNS);
  part.def("main", &main_metrics, nb::arg("returns"), nb::arg("periods_per_year"),
           nb::arg("years") = 0.0, nb::arg("threads") = 0u,
           "The main metrics, one a row, of every row of daily returns; NaN where one is undefined.");
  part.def("cscv", &cscv, nb::arg("returns"), nb::arg("blocks"), nb::arg("threads") = 0u,
           "Rank and Sharpe ratios of the best trial of each split of CSCV.");
}

}  // namespace algotrader::bindings
