#include "algotrader/reduce.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "algotrader/simd.hpp"

namespace algotrader {

namespace {

constexpr std::size_t kLanes = 8;
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double))));
typedef double LooseLanes __attribute__((vector_size(kLanes * sizeof(double)), aligned(8)));

#define ALGOTRADER_INLINE inline __attribute__((always_inline))

ALGOTRADER_INLINE void load(Lanes& lanes, const double* values) {
  lanes = *reinterpret_cast<const LooseLanes*>(values);
}

ALGOTRADER_INLINE double tree(const Lanes& lane) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

ALGOTRADER_INLINE double sum_body(const double* values, std::size_t count) {
  Lanes lane{};
  Lanes next;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    load(next, values + i);
    lane += next;
  }
  for (std::size_t k = 0; i < count; ++i, ++k) lane[k] += values[i];
  return tree(lane);
}

ALGOTRADER_INLINE double dot_body(const double* a, const double* b, std::size_t count) {
  Lanes lane{};
  Lanes left;
  Lanes right;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    load(left, a + i);
    load(right, b + i);
    lane += left * right;
  }
  for (std::size_t k = 0; i < count; ++i, ++k) lane[k] += a[i] * b[i];
  return tree(lane);
}

// Bit k is set where numbers[k] has other bits than numbers[k - 1].
ALGOTRADER_INLINE std::uint64_t changes_of(const double* numbers, std::size_t count) {
  unsigned char changed[64] = {};
  for (std::size_t k = 0; k < count; ++k) {
    changed[k] = std::bit_cast<std::uint64_t>(numbers[k]) !=
                 std::bit_cast<std::uint64_t>(*(numbers + k - 1));
  }
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < 64; k += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, changed + k, 8);
    bits |= ((eight * 0x0102040810204080ULL) >> 56) << k;
  }
  return bits;
}

// Words of rows that are all alike are passed over at the speed of memory.
ALGOTRADER_INLINE void changes_body(const double* numbers, std::size_t count, std::uint64_t* words) {
  if (count == 0) return;
  const std::size_t head = count < 64 ? count : 64;
  words[0] = (changes_of(numbers + 1, head - 1) << 1) | 1;
  std::size_t i = head;
  for (; i + 64 <= count; i += 64) {
    const auto last = std::bit_cast<std::uint64_t>(numbers[i - 1]);
    std::uint64_t differs = 0;
    for (std::size_t k = 0; k < 64; ++k) {
      differs |= std::bit_cast<std::uint64_t>(numbers[i + k]) ^ last;
    }
    words[i / 64] = differs == 0 ? 0 : changes_of(numbers + i, 64);
  }
  if (i < count) words[i / 64] = changes_of(numbers + i, count - i);
}

ALGOTRADER_INLINE void carry_body(const double* fresh, double* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = fresh[i] == fresh[i] ? fresh[i] : values[i];
}

// Comparisons are left to the vectoriser: those of vector types are cut to pieces before a body is
// inlined, and the instruction set known.
ALGOTRADER_INLINE bool any_given_body(const double* values, std::size_t count) {
  std::int64_t given = 0;
  for (std::size_t k = 0; k < count; ++k) given |= std::int64_t{values[k] == values[k]};
  return given != 0;
}

// The bits of positive numbers, as integers, have the order of the numbers; those of NaN, but for
// the sign, are above those of infinity. A volume of -0 or a NaN with a sign is left to who asks.
ALGOTRADER_INLINE bool sound_body(const Prices& bars, std::size_t count) {
  constexpr std::int64_t infinite = 0x7ff0000000000000;
  constexpr std::int64_t size = 0x7fffffffffffffff;
  const auto bits = [](const double* values, std::size_t k) {
    return std::bit_cast<std::int64_t>(values[k]);
  };
  const Prices b = bars;
  std::int64_t wrong = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t open = bits(b.open, k);
    const std::int64_t high = bits(b.high, k);
    const std::int64_t low = bits(b.low, k);
    const std::int64_t close = bits(b.close, k);
    const std::int64_t inside_low = open < close ? open : close;
    const std::int64_t inside_high = open < close ? close : open;
    const std::int64_t sound = std::int64_t{low > 0} & std::int64_t{high < infinite} &
                               std::int64_t{low <= inside_low} & std::int64_t{inside_high <= high};
    const std::int64_t missing =
        std::int64_t{(open & size) > infinite} & std::int64_t{(high & size) > infinite} &
        std::int64_t{(low & size) > infinite} & std::int64_t{(close & size) > infinite};
    wrong |= ((sound | missing) ^ 1) | std::int64_t{bits(b.volume, k) < 0};
  }
  return wrong == 0;
}

double sum_baseline(const double* v, std::size_t n) { return sum_body(v, n); }
double dot_baseline(const double* a, const double* b, std::size_t n) { return dot_body(a, b, n); }
void changes_baseline(const double* v, std::size_t n, std::uint64_t* w) { changes_body(v, n, w); }
void carry_baseline(const double* f, double* v, std::size_t n) { carry_body(f, v, n); }
bool any_given_baseline(const double* v, std::size_t n) { return any_given_body(v, n); }
bool sound_baseline(const Prices& bars, std::size_t n) { return sound_body(bars, n); }

#if defined(__x86_64__)
#define ALGOTRADER_AVX2 __attribute__((target("avx2")))
#define ALGOTRADER_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

ALGOTRADER_AVX2 double sum_avx2(const double* v, std::size_t n) { return sum_body(v, n); }
ALGOTRADER_AVX2 double dot_avx2(const double* a, const double* b, std::size_t n) {
  return dot_body(a, b, n);
}
ALGOTRADER_AVX2 void changes_avx2(const double* v, std::size_t n, std::uint64_t* w) {
  changes_body(v, n, w);
}
ALGOTRADER_AVX2 void carry_avx2(const double* f, double* v, std::size_t n) { carry_body(f, v, n); }
ALGOTRADER_AVX2 bool any_given_avx2(const double* v, std::size_t n) { return any_given_body(v, n); }
ALGOTRADER_AVX2 bool sound_avx2(const Prices& bars, std::size_t n) { return sound_body(bars, n); }

ALGOTRADER_AVX512 double sum_avx512(const double* v, std::size_t n) { return sum_body(v, n); }
ALGOTRADER_AVX512 double dot_avx512(const double* a, const double* b, std::size_t n) {
  return dot_body(a, b, n);
}
ALGOTRADER_AVX512 void changes_avx512(const double* v, std::size_t n, std::uint64_t* w) {
  changes_body(v, n, w);
}
ALGOTRADER_AVX512 void carry_avx512(const double* f, double* v, std::size_t n) {
  carry_body(f, v, n);
}
ALGOTRADER_AVX512 bool any_given_avx512(const double* v, std::size_t n) { return any_given_body(v, n); }
ALGOTRADER_AVX512 bool sound_avx512(const Prices& bars, std::size_t n) { return sound_body(bars, n); }
#endif

struct Loops {
  SimdLevel level;
  double (*sum)(const double*, std::size_t);
  double (*dot)(const double*, const double*, std::size_t);
  void (*changes)(const double*, std::size_t, std::uint64_t*);
  void (*carry)(const double*, double*, std::size_t);
  bool (*any_given)(const double*, std::size_t);
  bool (*sound)(const Prices&, std::size_t);
};

constexpr Loops kBaseline{SimdLevel::Baseline, sum_baseline, dot_baseline, changes_baseline,
                          carry_baseline, any_given_baseline, sound_baseline};
#if defined(__x86_64__)
constexpr Loops kAvx2{SimdLevel::Avx2, sum_avx2, dot_avx2, changes_avx2, carry_avx2, any_given_avx2, sound_avx2};
constexpr Loops kAvx512{SimdLevel::Avx512, sum_avx512, dot_avx512, changes_avx512, carry_avx512, any_given_avx512, sound_avx512};
#endif

bool has(SimdLevel level) noexcept {
#if defined(__x86_64__)
  if (level == SimdLevel::Avx2) return __builtin_cpu_supports("avx2") != 0;
  if (level == SimdLevel::Avx512) {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }
#endif
  return level == SimdLevel::Baseline;
}

const Loops* loops_of(SimdLevel level) noexcept {
#if defined(__x86_64__)
  if (level == SimdLevel::Avx512) return &kAvx512;
  if (level == SimdLevel::Avx2) return &kAvx2;
#endif
  (void)level;
  return &kBaseline;
}

const Loops* chosen_at_load() noexcept {
  const char* named = std::getenv("ALGOTRADER_SIMD");
  for (const SimdLevel level : {SimdLevel::Avx512, SimdLevel::Avx2, SimdLevel::Baseline}) {
    const bool wanted = named == nullptr || *named == '\0' || name_of(level) == named;
    if (wanted && has(level)) return loops_of(level);
  }
  return &kBaseline;
}

const Loops* loops = chosen_at_load();

}  // namespace

SimdLevel simd_level() noexcept { return loops->level; }

bool set_simd_level(SimdLevel level) noexcept {
  if (!has(level)) return false;
  loops = loops_of(level);
  return true;
}

std::vector<SimdLevel> simd_levels() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : {SimdLevel::Baseline, SimdLevel::Avx2, SimdLevel::Avx512}) {
    if (has(level)) levels.push_back(level);
  }
  return levels;
}

std::string_view name_of(SimdLevel level) noexcept {
  switch (level) {
    case SimdLevel::Avx2:
      return "avx2";
    case SimdLevel::Avx512:
      return "avx512";
    case SimdLevel::Baseline:
      break;
  }
  return "baseline";
}

double fixed_sum(const double* values, std::size_t count) noexcept {
  return loops->sum(values, count);
}
double fixed_dot(const double* a, const double* b, std::size_t count) noexcept {
  return loops->dot(a, b, count);
}
void mark_changes(const double* numbers, std::size_t count, std::uint64_t* words) noexcept {
  loops->changes(numbers, count, words);
}
bool any_given(const double* values, std::size_t count) noexcept {
  return loops->any_given(values, count);
}
bool bars_are_sound(const Prices& bars, std::size_t count) noexcept {
  constexpr std::size_t block = 65536;  // bars
  // From the end: the first rows, where a run begins, are then still in the cache.
  for (std::size_t k = (count + block - 1) / block; k-- > 0;) {
    const std::size_t at = k * block;
    const Prices part{bars.open + at, bars.high + at, bars.low + at, bars.close + at,
                      bars.volume + at};
    if (!loops->sound(part, std::min(block, count - at))) return false;
  }
  return true;
}
void carry_forward(const double* fresh, double* values, std::size_t count) noexcept {
  loops->carry(fresh, values, count);
}

}  // namespace algotrader
