// Every kernel takes its series as (N, T) or (T,) arrays, then its settings, then arrays of that shape
// to write.
#include <nanobind/nanobind.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "algotrader/indicators.hpp"
#include "algotrader/indicators_runs.hpp"
#include "module.hpp"

namespace nb = nanobind;

namespace algotrader::bindings {

namespace {

using indicators::Gaps;
using indicators::Inputs;
using indicators::Memory;
using indicators::Outputs;
using indicators::Size;

// The memory of a contiguous float64 array, held while the view lives.
class View {
 public:
  View(nb::handle array, int access) {
    if (PyObject_GetBuffer(array.ptr(), &buffer_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | access) != 0) {
      throw nb::python_error();
    }
    if (buffer_.ndim < 1 || buffer_.ndim > 2 || std::strcmp(buffer_.format, "d") != 0) {
      PyBuffer_Release(&buffer_);
      throw nb::type_error("a series is a float64 array of shape (T,) or (N, T)");
    }
  }
  ~View() { PyBuffer_Release(&buffer_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  Size count() const noexcept { return buffer_.ndim == 1 ? 1 : Size(buffer_.shape[0]); }
  Size rows() const noexcept { return Size(buffer_.shape[buffer_.ndim - 1]); }
  double* column(Size number) const noexcept {
    return static_cast<double*>(buffer_.buf) + number * rows();
  }

 private:
  Py_buffer buffer_;
};

struct Series : View {
  explicit Series(nb::handle array) : View(array, PyBUF_SIMPLE) {}
};

struct Result : View {
  explicit Result(nb::handle array) : View(array, PyBUF_WRITABLE) {}
};

template <std::size_t, class Type>
using Repeat = Type;

template <std::size_t In, std::size_t Out, class... Settings>
using Kernel = void (*)(const Inputs<In>&, Size, const Outputs<Out>&, Settings...);

template <std::size_t In, std::size_t Out, class... Settings>
void run(Kernel<In, Out, Settings...> kernel, Gaps gaps, Memory memory,
         const std::array<Series, In>& series, const std::array<Result, Out>& results,
         Settings... settings) {
  const Size count = series[0].count();
  const Size rows = series[0].rows();
  const auto same = [&](const View& a) { return a.count() == count && a.rows() == rows; };
  for (const View& a : series) {
    if (!same(a)) throw std::invalid_argument("series differ in shape");
  }
  for (const View& a : results) {
    if (!same(a)) throw std::invalid_argument("a result differs in shape from the series");
  }
  nb::gil_scoped_release unlocked;
  for (Size column = 0; column < count; ++column) {
    Inputs<In> in;
    Outputs<Out> out;
    for (std::size_t k = 0; k < In; ++k) in[k] = series[k].column(column);
    for (std::size_t k = 0; k < Out; ++k) out[k] = results[k].column(column);
    const auto on_run = [&](const auto& from, Size length, const auto& to) {
      kernel(from, length, to, settings...);
    };
    indicators::over_runs(gaps, memory, in, rows, out, on_run);
  }
}

template <std::size_t In, std::size_t Out, class... Settings, std::size_t... I, std::size_t... O>
void define(nb::module_& module, const char* name, Kernel<In, Out, Settings...> kernel, Gaps gaps,
            Memory memory, std::index_sequence<I...>, std::index_sequence<O...>) {
  module.def(name, [=](Repeat<I, nb::handle>... series, Settings... settings,
                       Repeat<O, nb::handle>... results) {
    run<In, Out, Settings...>(kernel, gaps, memory, {Series(series)...}, {Result(results)...},
                              settings...);
  });
}

template <std::size_t In, std::size_t Out, class... Settings>
void bind(nb::module_& module, const char* name, Kernel<In, Out, Settings...> kernel,
          Gaps gaps = Gaps::restart, Memory memory = Memory::fades) {
  define(module, name, kernel, gaps, memory, std::make_index_sequence<In>{},
         std::make_index_sequence<Out>{});
}

void bind_averages(nb::module_& m) {
  bind(m, "sma", indicators::sma);
  bind(m, "ema", indicators::ema, Gaps::restart, Memory::stays);
  bind(m, "wilder", indicators::wilder, Gaps::restart, Memory::stays);
  bind(m, "wma", indicators::wma);
  bind(m, "trima", indicators::trima);
  bind(m, "dema", indicators::dema);
  bind(m, "tema", indicators::tema);
  bind(m, "trix", indicators::trix);
  bind(m, "t3", indicators::t3, Gaps::restart, Memory::stays);
  bind(m, "kama", indicators::kama, Gaps::restart, Memory::stays);
  bind(m, "vwma", indicators::vwma);
  bind(m, "macd", indicators::macd);
  bind(m, "ema_difference", indicators::ema_difference);
  bind(m, "ema_ratio", indicators::ema_ratio);
}

void bind_rolling(nb::module_& m) {
  bind(m, "rolling_sum", indicators::rolling_sum);
  bind(m, "rolling_product", indicators::rolling_product);
  bind(m, "rolling_var", indicators::rolling_var);
  bind(m, "rolling_std", indicators::rolling_std);
  bind(m, "rolling_skew", indicators::rolling_skew);
  bind(m, "rolling_kurt", indicators::rolling_kurt);
  bind(m, "rolling_zscore", indicators::rolling_zscore);
  bind(m, "bollinger", indicators::bollinger);
  bind(m, "rolling_cov", indicators::rolling_cov);
  bind(m, "rolling_corr", indicators::rolling_corr);
  bind(m, "rolling_beta", indicators::rolling_beta);
  bind(m, "linear_fit", indicators::linear_fit);
  bind(m, "linear_slope", indicators::linear_slope);
}

void bind_order(nb::module_& m) {
  bind(m, "rolling_min", indicators::rolling_min);
  bind(m, "rolling_max", indicators::rolling_max);
  bind(m, "rolling_argmin", indicators::rolling_argmin);
  bind(m, "rolling_argmax", indicators::rolling_argmax);
  bind(m, "rolling_quantile", indicators::rolling_quantile);
  bind(m, "rolling_rank", indicators::rolling_rank);
  bind(m, "ulcer_index", indicators::ulcer_index);
  bind(m, "midrange", indicators::midrange);
  bind(m, "donchian", indicators::donchian);
  bind(m, "aroon", indicators::aroon);
  bind(m, "raw_stochastic", indicators::raw_stochastic);
  bind(m, "williams_r", indicators::williams_r);
  bind(m, "stochastic", indicators::stochastic);
}

void bind_momentum(nb::module_& m) {
  bind(m, "rsi", indicators::rsi);
  bind(m, "cmo", indicators::cmo);
  bind(m, "true_range", indicators::true_range, Gaps::pass);
  bind(m, "atr", indicators::atr, Gaps::restart, Memory::stays);
  bind(m, "natr", indicators::natr, Gaps::restart, Memory::stays);
  bind(m, "plus_di", indicators::plus_di);
  bind(m, "minus_di", indicators::minus_di);
  bind(m, "adx", indicators::adx);
  bind(m, "cci", indicators::cci);
  bind(m, "ultimate", indicators::ultimate);
  bind(m, "sar", indicators::sar);
  bind(m, "supertrend", indicators::supertrend);
  bind(m, "change", indicators::change, Gaps::pass);
  bind(m, "balance_of_power", indicators::balance_of_power, Gaps::pass);
  bind(m, "rate_of_change", indicators::rate_of_change, Gaps::pass);
}

void bind_volume(nb::module_& m) {
  bind(m, "obv", indicators::obv, Gaps::carry);
  bind(m, "volume_price_trend", indicators::volume_price_trend, Gaps::carry);
  bind(m, "accumulation", indicators::accumulation, Gaps::carry, Memory::stays);
  bind(m, "accumulation_oscillator", indicators::accumulation_oscillator, Gaps::restart, Memory::stays);
  bind(m, "mfi", indicators::mfi);
  bind(m, "rolling_vwap", indicators::rolling_vwap);
  bind(m, "session_vwap", indicators::session_vwap, Gaps::carry);
}

}  // namespace

void bind_indicators(nb::module_& module) {
  nb::module_ indicators_module = module.def_submodule("indicators");
  bind_averages(indicators_module);
  bind_rolling(indicators_module);
  bind_order(indicators_module);
  bind_momentum(indicators_module);
  bind_volume(indicators_module);
}

}  // namespace algotrader::bindings
