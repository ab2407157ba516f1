#include <nanobind/ndarray.h>

#include "algotrader/reduce.hpp"
#include "module.hpp"

namespace nb = nanobind;

namespace algotrader::bindings {

void bind_reduce(nb::module_& module) {
  module.def(
      "fixed_sum",
      [](nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu> values) {
        return fixed_sum(values.data(), values.shape(0));
      },
      nb::arg("values"), "Sum in the kernel's fixed order of operations (R34).");
}

}  // namespace algotrader::bindings
