// Which instruction set the kernel's loops use. Results have the same bits on each (R34): loops
// are written in eight lanes and a fixed tree, and are compiled once per set.
#pragma once

#include <string_view>
#include <vector>

namespace algotrader {

enum class SimdLevel : int { Baseline = 0, Avx2 = 1, Avx512 = 2 };

// In use: the best of this machine, or what ALGOTRADER_SIMD named when the kernel was loaded.
SimdLevel simd_level() noexcept;
// Forces one; false if this machine lacks it.
bool set_simd_level(SimdLevel level) noexcept;
std::vector<SimdLevel> simd_levels();
std::string_view name_of(SimdLevel level) noexcept;

}  // namespace algotrader
