// The passes over a series that the main metrics are made of, each for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "algotrader/metrics.hpp"
#include "algotrader/simd.hpp"

#define ALGOTRADER_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__)
#define ALGOTRADER_AVX2 __attribute__((target("avx2")))
#define ALGOTRADER_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#endif

namespace algotrader::metrics {

constexpr std::size_t LANES = 8;

// Eight lanes as registers of W doubles: the same arithmetic on each lane whatever W is (R34).
template <std::size_t W>
struct Registers {
  typedef double Register __attribute__((vector_size(W * sizeof(double))));
  typedef double Loose __attribute__((vector_size(W * sizeof(double)), aligned(8)));
  static constexpr std::size_t COUNT = LANES / W;
  Register part[COUNT];

  ALGOTRADER_INLINE explicit Registers(double value) {
    for (Register& p : part) p = value - Register{};
  }

  // Lane k of all registers gets step(its value, value k from memory), register by register.
  template <class Step>
  ALGOTRADER_INLINE void each(const double* from, Step step) {
    for (std::size_t j = 0; j < COUNT; ++j) {
      part[j] = step(part[j], static_cast<Register>(*reinterpret_cast<const Loose*>(from + j * W)));
    }
  }

  ALGOTRADER_INLINE void store(double* to) const {
    for (std::size_t k = 0; k < LANES; ++k) to[k] = part[k / W][k % W];
  }
};

struct Moments {
  double mean, low, high;       // first pass
  double square, cube, fourth;  // sums of powers of the centred returns
  double downside;              // sum of squares of the negative returns
};

struct Path {
  double equity = 1.0, worst = 1.0;              // worst: smallest equity / peak
  std::int64_t top = -1;                         // last period at the peak; -1: the start
  std::int64_t longest = 0, from = -1, to = -1;  // longest time under water
};

// Room for all returns, though mostly a tenth is used: left unset, so that the rest costs nothing.
struct Scratch {
  std::unique_ptr<double[]> low, work, rest;
  explicit Scratch(std::size_t count)
      : low(new double[count + LANES]),
        work(new double[count + LANES]),
        rest(new double[count + LANES]) {}
};

// Equity, drawdown and time under water. The returns are finite.
void path_pass(const double* returns, std::size_t count, SimdLevel simd, Path& path);

// Value at risk and the mean of what is at or below it, for the 5 % and the 1 % tail.
void tail_pass(const double* returns, std::size_t count, SimdLevel simd, const Moments& moments,
               Scratch& scratch, double* row);

}  // namespace algotrader::metrics
