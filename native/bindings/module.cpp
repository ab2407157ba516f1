#include "module.hpp"

NB_MODULE(_kernel, module) {
  module.doc() = "The arithmetic of money: matching, sizing, accounts, indicators, metrics.";
  module.attr("__version__") = ALGOTRADER_VERSION;
  algotrader::bindings::bind_reduce(module);
  algotrader::bindings::bind_indicators(module);
  algotrader::bindings::bind_metrics(module);
  algotrader::bindings::bind_simd(module);
  algotrader::bindings::bind_simulation(module);
  algotrader::bindings::bind_stepper(module);
  algotrader::bindings::bind_context(module);
  algotrader::bindings::bind_batch(module);
  algotrader::bindings::bind_trades(module);
  algotrader::bindings::bind_sizing(module);
}
