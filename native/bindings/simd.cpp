#include "algotrader/simd.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>

#include "module.hpp"

namespace nb = nanobind;

namespace algotrader::bindings {

void bind_simd(nb::module_& module) {
  module.def(
      "simd_level", [] { return std::string(name_of(simd_level())); },
      "Instruction set in use: the machine's best, or what ALGOTRADER_SIMD named.");
  module.def(
      "simd_levels",
      [] {
        std::vector<std::string> names;
        for (const SimdLevel level : simd_levels()) names.emplace_back(name_of(level));
        return names;
      },
      "Instruction sets this machine has.");
  module.def(
      "set_simd_level",
      [](const std::string& name) {
        for (const SimdLevel level : simd_levels()) {
          if (name_of(level) == name && set_simd_level(level)) return;
        }
        throw std::invalid_argument("this machine has no instruction set named " + name);
      },
      nb::arg("name"), "Forces an instruction set; the bits of results do not depend on it (R34).");
}

}  // namespace algotrader::bindings
