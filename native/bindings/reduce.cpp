#include <stdexcept>

#include "algotrader/reduce.hpp"
#include "convert.hpp"
#include "module.hpp"

namespace algotrader::bindings {

void bind_reduce(nb::module_& module) {
  module.def(
      "fixed_sum",
      [](nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu> values) {
        return fixed_sum(values.data(), values.shape(0));
      },
      nb::arg("values"), "Sum in the kernel's fixed order of operations (R34).");
  module.def(
      "bars_are_sound",
      [](const Floats2& open, const Floats2& high, const Floats2& low, const Floats2& close,
         const Floats2& volume) {
        for (const Floats2* part : {&open, &high, &low, &volume}) {
          if (part->size() != close.size()) throw std::invalid_argument("bars of one shape");
        }
        const Prices bars{open.data(), high.data(), low.data(), close.data(), volume.data()};
        const nb::gil_scoped_release released;
        return bars_are_sound(bars, close.size());
      },
      nb::arg("open"), nb::arg("high"), nb::arg("low"), nb::arg("close"), nb::arg("volume"),
      "May bars (T, N) be simulated? In one pass; it does not say what is wrong with them.");
}

}  // namespace algotrader::bindings
