#include "algotrader/reduce.hpp"

namespace algotrader {

double fixed_sum(const double* values, std::size_t count) noexcept {
  double lane[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lane[k] += values[i + k];
  }
  for (std::size_t k = 0; i < count; ++i, ++k) lane[k] += values[i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace algotrader
