#include "algotrader/batch.hpp"

#include <stdexcept>

#include "algotrader/parallel.hpp"
#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

namespace {

// A batch that keeps its panel's arrays alive.
class NativeBatch {
 public:
  NativeBatch(const NativePanel& panel, nb::handle instruments, nb::handle settings)
      : panel_(panel), batch_(panel_.view(), to_instruments(instruments), to_settings(settings)) {}

  const Batch& batch() const noexcept { return batch_; }
  const PanelView& view() const noexcept { return panel_.view(); }

 private:
  NativePanel panel_;
  Batch batch_;
};

nb::tuple tuple_of(const BatchRow& row) {
  return nb::make_tuple(row.final_equity, row.fees, row.slippage, row.funding, row.trades,
                        row.open_trades, row.fills, row.ambiguous_bars, row.liquidations,
                        row.below_minimum);
}

void check(const NativeBatch& native, const Floats2& targets, std::size_t days) {
  const PanelView& view = native.view();
  if (targets.shape(0) != view.rows || targets.shape(1) != view.columns) {
    throw std::invalid_argument("targets have not the panel's shape");
  }
  if (days != native.batch().days()) throw std::invalid_argument("one return per day of the panel");
}

nb::tuple run(const NativeBatch& native, const Floats2& targets, Output1 returns) {
  check(native, targets, returns.shape(0));
  BatchRow row;
  {
    const nb::gil_scoped_release released;
    row = native.batch().run(targets.data(), returns.data());
  }
  return tuple_of(row);
}

nb::list run_many(const NativeBatch& native, nb::sequence sets, Output2 returns,
                  unsigned threads) {
  std::vector<Floats2> targets;
  for (const nb::handle set : sets) targets.push_back(nb::cast<Floats2>(set));
  if (returns.shape(0) != targets.size()) throw std::invalid_argument("one row of returns per set");
  for (const Floats2& set : targets) check(native, set, returns.shape(1));
  std::vector<BatchRow> rows(targets.size());
  {
    const nb::gil_scoped_release released;
    parallel_ranges(targets.size(), threads, [&](std::size_t first, std::size_t last) {
      for (std::size_t k = first; k < last; ++k) {
        rows[k] = native.batch().run(targets[k].data(), returns.data() + k * returns.shape(1));
      }
    });
  }
  nb::list out;
  for (const BatchRow& row : rows) out.append(tuple_of(row));
  return out;
}

}  // namespace

void bind_batch(nb::module_& module) {
  nb::class_<NativeBatch>(module, "Batch", "Many target arrays over one panel.")
      .def(nb::init<const NativePanel&, nb::handle, nb::handle>(), nb::arg("panel"),
           nb::arg("instruments"), nb::arg("settings"))
      .def_prop_ro("day_ends",
                   [](const NativeBatch& native) {
                     const auto& ends = native.batch().day_ends();
                     return nb::cast(array_of(std::vector<std::int64_t>(ends.begin(), ends.end())));
                   })
      .def("run", &run, nb::arg("targets"), nb::arg("returns"),
           "One run; fills daily returns, gives totals.")
      .def("run_many", &run_many, nb::arg("sets"), nb::arg("returns"), nb::arg("threads") = 0U);
}

}  // namespace algotrader::bindings
