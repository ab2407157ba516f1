// Each subject of the kernel binds itself in its own file; module.cpp calls them in order.
#pragma once

#include <nanobind/nanobind.h>

namespace algotrader::bindings {

void bind_reduce(nanobind::module_& module);
void bind_indicators(nanobind::module_& module);
void bind_metrics(nanobind::module_& module);
void bind_simd(nanobind::module_& module);
void bind_simulation(nanobind::module_& module);
void bind_stepper(nanobind::module_& module);
void bind_context(nanobind::module_& module);
void bind_batch(nanobind::module_& module);
void bind_trades(nanobind::module_& module);
void bind_sizing(nanobind::module_& module);

}  // namespace algotrader::bindings
