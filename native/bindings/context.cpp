#include "context.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cmath>
#include <optional>

#include "algotrader/margin.hpp"
#include "module.hpp"

namespace algotrader::bindings {

Simulation::Simulation(const NativePanel& native, nb::handle instruments, nb::handle settings,
                       nb::handle features)
    : panel(native), simulator(panel.view(), to_instruments(instruments), to_settings(settings)) {
  const PanelView& view = panel.view();
  for (const nb::handle entry : features.attr("items")()) {
    const nb::object values = nb::borrow(entry[1]);
    Feature feature{};
    if (nb::cast<int>(values.attr("ndim")) == 1) {
      const auto array = nb::cast<Floats1>(values);
      if (array.shape(0) != view.rows) throw nb::value_error("a feature has not one row per bar");
      feature = {array.data(), 1, false};
    } else {
      const auto array = nb::cast<Floats2>(values);
      if (array.shape(0) != view.rows || array.shape(1) != view.columns) {
        throw nb::value_error("a feature has not the panel's shape");
      }
      feature = {array.data(), view.columns, true};
    }
    index_.emplace(nb::cast<std::string>(entry[0]), features_.size());
    features_.push_back(feature);
    kept_.push_back(values);
  }
}

// Names in a strategy's source are the same objects at every bar, so their address finds them.
const Feature& Simulation::feature(nb::handle name) {
  for (const auto& [address, index] : seen_) {
    if (address == name.ptr()) return features_[index];
  }
  std::string text;
  if (!nb::try_cast(name, text)) throw nb::type_error("the name of a feature is a str");
  const auto found = index_.find(text);
  if (found == index_.end()) throw nb::key_error(("no feature named " + text).c_str());
  if (seen_.size() < 64) {
    seen_.emplace_back(name.ptr(), found->second);
    kept_.push_back(nb::borrow(name));
  }
  return features_[found->second];
}

std::vector<std::string> Simulation::feature_names() const {
  std::vector<std::string> names(features_.size());
  for (const auto& [name, index] : index_) names[index] = name;
  return names;
}

std::int64_t Simulation::raise(const Request& request) {
  if (row < orders_from) return -1;
  return simulator.request(row, request);
}

// Legs are orders with the same group from the same decision (R37).
std::int64_t Simulation::number_of_group(const std::string& name) {
  if (groups_row_ != row) {
    groups_.clear();
    groups_row_ = row;
  }
  const auto [found, added] = groups_.emplace(name, next_group_);
  if (added) ++next_group_;
  return found->second;
}

std::int64_t Simulation::number_of_tag(const std::string& name) {
  const auto [found, added] =
      tag_numbers_.emplace(name, static_cast<std::int64_t>(tags.size()) + 1);
  if (added) tags.push_back(name);
  return found->second;
}

BarView Context::bar() const {
  const PanelView& panel = run->panel.view();
  const std::size_t row = run->row;
  return {panel.ts[row],
          panel.at(panel.open, row, column_),
          panel.at(panel.high, row, column_),
          panel.at(panel.low, row, column_),
          panel.at(panel.close, row, column_),
          panel.at(panel.volume, row, column_)};
}

PositionView Context::position() const {
  const Simulator& simulator = run->simulator;
  const Position& position = simulator.position(column_);
  if (position.quantity == 0.0) return {0.0, kNone, 0.0};
  const double price = simulator.instrument(column_).is_spot() ? simulator.last_close(column_)
                                                               : simulator.mark(column_);
  return {position.quantity, position.entry,
          profit_of(simulator.instrument(column_), position.quantity, position.entry, price)};
}

// R35: a[t-1] <= b[t-1] and a[t] > b[t]; NaN is False.
bool Context::crossed_above(nb::handle a, nb::handle b) const {
  const std::size_t row = run->row;
  const Feature first = run->feature(a);
  const Feature second = run->feature(b);
  return row > 0 && first.at(row - 1, column_) <= second.at(row - 1, column_) &&
         first.at(row, column_) > second.at(row, column_);
}

bool Context::crossed_below(nb::handle a, nb::handle b) const {
  const std::size_t row = run->row;
  const Feature first = run->feature(a);
  const Feature second = run->feature(b);
  return row > 0 && first.at(row - 1, column_) >= second.at(row - 1, column_) &&
         first.at(row, column_) < second.at(row, column_);
}

namespace {

double number_or_none(nb::handle value, const char* name) {
  if (value.is_none()) return kNone;
  double number = 0.0;
  if (!nb::try_cast(value, number)) throw nb::type_error((std::string(name) + " is a number").c_str());
  return number;
}

double positive_or_none(nb::handle value, const char* name) {
  const double number = number_or_none(value, name);
  if (!value.is_none() && !(number > 0.0 && std::isfinite(number))) {
    throw nb::value_error((std::string(name) + " must be positive and finite").c_str());
  }
  return number;
}

TimeInForce tif_of(nb::handle value) {
  static constexpr std::array<std::pair<const char*, TimeInForce>, 5> names{{
      {"gtc", TimeInForce::GTC},
      {"ioc", TimeInForce::IOC},
      {"fok", TimeInForce::FOK},
      {"day", TimeInForce::DAY},
      {"gtd", TimeInForce::GTD},
  }};
  int number = 0;
  if (nb::try_cast(value, number) && number >= 0 && number < 5) {
    return static_cast<TimeInForce>(number);
  }
  std::string text;
  if (nb::try_cast(value, text)) {
    for (const auto& [name, tif] : names) {
      if (text == name) return tif;
    }
  }
  throw nb::value_error("tif must be one of gtc, ioc, fok, day, gtd");
}

// UTC ms from a number or an aware datetime.
std::int64_t instant_of(nb::handle value) {
  if (value.is_none()) return kNever;
  std::int64_t number = 0;
  if (nb::try_cast(value, number)) return number;
  if (value.attr("tzinfo").is_none()) throw nb::value_error("expires_at needs a time zone");
  return std::llround(nb::cast<double>(value.attr("timestamp")()) * 1000.0);
}

OrderRef place(Context& context, int side, nb::handle quantity, nb::handle weight,
               nb::handle value, nb::handle limit, nb::handle stop, nb::handle trail,
               nb::handle stop_loss, nb::handle take_profit, nb::handle trailing, nb::handle tif,
               nb::handle expires_at, bool post_only, bool reduce_only, nb::handle group,
               nb::handle tag) {
  Request request;
  request.kind = RequestKind::Order;
  request.instrument = static_cast<int>(context.column());
  request.side = side;
  const int sizes = !quantity.is_none() + !weight.is_none() + !value.is_none();
  if (sizes != 1) throw nb::type_error("give exactly one of quantity, weight and value");  // R36
  request.quantity = positive_or_none(quantity, "quantity");
  request.weight = positive_or_none(weight, "weight");
  request.value = positive_or_none(value, "value");
  request.limit = positive_or_none(limit, "limit");
  request.stop = positive_or_none(stop, "stop");
  request.trail = positive_or_none(trail, "trail");
  request.stop_loss = positive_or_none(stop_loss, "stop_loss");
  request.take_profit = positive_or_none(take_profit, "take_profit");
  request.trailing = positive_or_none(trailing, "trailing");
  request.tif = tif_of(tif);
  request.expires_at = instant_of(expires_at);
  request.post_only = post_only;
  request.reduce_only = reduce_only;
  if (given(request.trail) && (given(request.limit) || given(request.stop))) {
    throw nb::type_error("trail goes with neither limit nor stop");
  }
  const bool priced = given(request.limit) || given(request.stop) || given(request.trail) ||
                      given(request.stop_loss) || given(request.take_profit) ||
                      given(request.trailing);
  if (priced && context.run->simulator.settings().close_only) {
    throw nb::value_error("only market orders on a panel of closes");  // R38
  }
  if (!group.is_none()) {
    request.group = context.run->number_of_group(nb::cast<std::string>(nb::str(group)));
  }
  if (!tag.is_none()) request.tag = context.run->number_of_tag(nb::cast<std::string>(nb::str(tag)));
  return {context.run, context.run->raise(request)};
}

void target(Context& context, nb::handle weight, nb::handle quantity) {
  if (weight.is_none() == quantity.is_none()) {
    throw nb::type_error("give exactly one of weight and quantity");
  }
  Request request;
  request.kind = RequestKind::Target;
  request.instrument = static_cast<int>(context.column());
  request.weight = number_or_none(weight, "weight");
  request.quantity = number_or_none(quantity, "quantity");
  if (std::isnan(given(request.weight) ? request.weight : request.quantity)) return;  // R4
  context.run->raise(request);
}

void close_position(Context& context) {
  Request request;
  request.kind = RequestKind::Target;
  request.instrument = static_cast<int>(context.column());
  request.quantity = 0.0;
  context.run->raise(request);
}

void cancel(Context& context, const OrderRef& order) {
  Request request;
  request.kind = RequestKind::Cancel;
  request.order = order.number;
  context.run->raise(request);
}

void amend(Context& context, const OrderRef& order, nb::handle quantity, nb::handle limit,
           nb::handle stop) {
  Request request;
  request.kind = RequestKind::Amend;
  request.order = order.number;
  request.quantity = positive_or_none(quantity, "quantity");
  request.limit = positive_or_none(limit, "limit");
  request.stop = positive_or_none(stop, "stop");
  context.run->raise(request);
}

std::vector<OrderRef> working_orders(const Context& context) {
  std::vector<OrderRef> found;
  for (const Order& order : context.run->simulator.orders()) {
    const bool own = order.id >= 0 && !order.protective && !order.done;
    if (own && static_cast<std::size_t>(order.instrument) == context.column()) {
      found.push_back({context.run, order.id});
    }
  }
  return found;
}

int state_of(const OrderRef& order) {
  if (order.number < 0) return static_cast<int>(OrderState::Denied);
  return static_cast<int>(
      nb::cast<Simulation&>(order.owner).simulator.order_states()[static_cast<std::size_t>(order.number)]);
}

// Calls the strategy: hooks for what the bar brought, then its decision.
class Caller {
 public:
  Caller(Simulation& run, nb::handle contexts, nb::handle on_bar, nb::handle on_bars,
         nb::handle panel_context, nb::handle on_order, nb::handle on_fill)
      : run_(run), on_bar_(on_bar), on_bars_(on_bars), panel_context_(panel_context),
        on_order_(on_order), on_fill_(on_fill) {
    for (const nb::handle context : contexts) contexts_.push_back(nb::borrow(context));
  }

  void hooks() {
    if (!on_fill_.is_none()) {
      const std::vector<Fill>& fills = run_.simulator.fills();
      for (; next_fill_ < fills.size(); ++next_fill_) {
        const Fill fill = fills[next_fill_];
        run_.column = fill.instrument;
        on_fill_(contexts_[static_cast<std::size_t>(fill.instrument)], fill);
      }
    }
    if (!on_order_.is_none()) {
      for (const std::int64_t number : run_.simulator.take_ended()) {
        const auto column = run_.simulator.instrument_of_order(number);
        run_.column = static_cast<std::int64_t>(column);
        on_order_(contexts_[column], OrderRef{&run_, number});
      }
    }
  }

  void decide() {
    if (!on_bars_.is_none()) {
      run_.column = -1;
      call(on_bars_, panel_context_);
      return;
    }
    const PanelView& panel = run_.panel.view();
    for (std::size_t column = 0; column < contexts_.size(); ++column) {
      if (!panel.has_bar(run_.row, column)) continue;  // R2
      run_.column = static_cast<std::int64_t>(column);
      call(on_bar_, contexts_[column]);
    }
  }

 private:
  static void call(nb::handle function, nb::handle argument) {
    PyObject* arguments[2] = {nullptr, argument.ptr()};
    PyObject* answer = PyObject_Vectorcall(function.ptr(), arguments + 1,
                                           1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    if (answer == nullptr) throw nb::python_error();
    Py_DECREF(answer);
  }

  Simulation& run_;
  std::vector<nb::object> contexts_;
  nb::handle on_bar_, on_bars_, panel_context_, on_order_, on_fill_;
  std::size_t next_fill_ = 0;
};

nb::dict run(Simulation& simulation, nb::handle contexts, nb::handle on_bar, nb::handle on_bars,
             nb::handle panel_context, nb::handle on_order, nb::handle on_fill, std::size_t first,
             std::size_t orders_from, Output1 equity, Output1 cash,
             std::optional<Output2> position, std::optional<Output2> funding) {
  Recording recording;
  recording.equity = equity.data();
  recording.cash = cash.data();
  recording.position = position ? position->data() : nullptr;
  recording.funding = funding ? funding->data() : nullptr;
  simulation.orders_from = orders_from;
  Caller caller(simulation, contexts, on_bar, on_bars, panel_context, on_order, on_fill);
  const std::size_t rows = simulation.panel.view().rows;
  for (std::size_t row = 0; row < rows; ++row) {
    simulation.row = row;
    simulation.simulator.step(row);
    record_row(simulation.simulator, row, recording);
    if (row >= first) {
      caller.hooks();
      caller.decide();
    }
    simulation.simulator.decide(row, nullptr);
    if ((row & 0xFFFF) == 0 && PyErr_CheckSignals() != 0) throw nb::python_error();
  }
  return result_of(simulation.simulator);
}

struct FeatureView {
  Context* context;
};

}  // namespace

void bind_context(nb::module_& module) {
  nb::class_<BarView>(module, "BarView", "The bar that has just closed.")
      .def_ro("ts", &BarView::ts)
      .def_ro("open", &BarView::open)
      .def_ro("high", &BarView::high)
      .def_ro("low", &BarView::low)
      .def_ro("close", &BarView::close)
      .def_ro("volume", &BarView::volume);
  nb::class_<PositionView>(module, "PositionView", "What is held of the instrument.")
      .def_ro("quantity", &PositionView::quantity)
      .def_ro("entry", &PositionView::entry)
      .def_ro("unrealised", &PositionView::unrealised);
  nb::class_<OrderRef>(module, "OrderRef", "An order that was asked for.")
      .def_ro("number", &OrderRef::number)
      .def_prop_ro("state", &state_of, "OrderState as a number.")
      .def("__eq__", [](const OrderRef& a, const OrderRef& b) { return a.number == b.number; })
      .def("__hash__", [](const OrderRef& order) { return order.number; });
  nb::class_<Fill>(module, "FillView", "One execution, as on_fill sees it.")
      .def_ro("row", &Fill::row)
      .def_ro("instrument", &Fill::instrument)
      .def_ro("order", &Fill::order)
      .def_ro("quantity", &Fill::quantity)
      .def_ro("price", &Fill::price)
      .def_ro("fee", &Fill::fee)
      .def_ro("slippage", &Fill::slippage)
      .def_ro("maker", &Fill::maker)
      .def_prop_ro("reason", [](const Fill& fill) { return static_cast<int>(fill.reason); })
      .def_ro("opening", &Fill::opening);
  nb::class_<FeatureView>(module, "FeatureView", "Features at the present row, by name.")
      .def("__getitem__",
           [](const FeatureView& view, nb::handle name) { return view.context->value(name); })
      .def("__len__",
           [](const FeatureView& view) { return view.context->run->feature_names().size(); })
      .def("__contains__",
           [](const FeatureView& view, const std::string& name) {
             for (const std::string& known : view.context->run->feature_names()) {
               if (known == name) return true;
             }
             return false;
           })
      .def("keys", [](const FeatureView& view) { return view.context->run->feature_names(); })
      .def("__iter__", [](const FeatureView& view) {
        return nb::iter(nb::cast(view.context->run->feature_names()));
      });
  nb::class_<Simulation>(module, "Simulation", "One event-driven run and where it stands.")
      .def(nb::init<const NativePanel&, nb::handle, nb::handle, nb::handle>(), nb::arg("panel"),
           nb::arg("instruments"), nb::arg("settings"), nb::arg("features"))
      .def_ro("row", &Simulation::row)
      .def_ro("column", &Simulation::column)
      .def_ro("tags", &Simulation::tags)
      .def("run", &run, nb::arg("contexts"), nb::arg("on_bar").none(), nb::arg("on_bars").none(),
           nb::arg("panel_context").none(), nb::arg("on_order").none(), nb::arg("on_fill").none(),
           nb::arg("first"), nb::arg("orders_from"), nb::arg("equity"), nb::arg("cash"),
           nb::arg("position").none(), nb::arg("funding").none());

  const auto none = nb::none();
  auto context =
      nb::class_<Context>(module, "Context", "One instrument at the present decision (R36).")
          .def(nb::init<Simulation&, std::size_t>(), nb::arg("simulation"), nb::arg("column"),
               nb::keep_alive<1, 2>())
          .def_prop_ro("index", [](const Context& c) { return c.run->row; })
          .def_prop_ro("column", &Context::column)
          .def_prop_ro("decided_at_ms",
                       [](const Context& c) {
                         const PanelView& panel = c.run->panel.view();
                         return panel.ts[c.run->row] + panel.timeframe;
                       })
          .def_prop_ro("bar", &Context::bar)
          .def_prop_ro("position", &Context::position)
          .def_prop_ro("equity", [](const Context& c) { return c.run->simulator.equity(); })
          .def_prop_ro("cash", [](const Context& c) { return c.run->simulator.cash(); })
          .def_prop_ro("orders", &working_orders)
          .def_prop_ro("feature", [](Context& c) { return FeatureView{&c}; },
                       nb::keep_alive<0, 1>())
          .def("__getitem__", &Context::value)
          .def("crossed_above", &Context::crossed_above, nb::arg("a"), nb::arg("b"))
          .def("crossed_below", &Context::crossed_below, nb::arg("a"), nb::arg("b"))
          .def("target", &target, nb::arg("weight") = none, nb::kw_only(),
               nb::arg("quantity") = none)
          .def("close", &close_position)
          .def("cancel", &cancel, nb::arg("order"))
          .def("amend", &amend, nb::arg("order"), nb::kw_only(), nb::arg("quantity") = none,
               nb::arg("limit") = none, nb::arg("stop") = none);
  const auto verb = [&](const char* name, int side) {
    context.def(
        name,
        [side](Context& c, nb::handle quantity, nb::handle weight, nb::handle value,
               nb::handle limit, nb::handle stop, nb::handle trail, nb::handle stop_loss,
               nb::handle take_profit, nb::handle trailing, nb::handle tif, nb::handle expires_at,
               bool post_only, bool reduce_only, nb::handle group, nb::handle tag) {
          return place(c, side, quantity, weight, value, limit, stop, trail, stop_loss,
                       take_profit, trailing, tif, expires_at, post_only, reduce_only, group, tag);
        },
        nb::kw_only(), nb::arg("quantity") = none, nb::arg("weight") = none,
        nb::arg("value") = none, nb::arg("limit") = none, nb::arg("stop") = none,
        nb::arg("trail") = none, nb::arg("stop_loss") = none, nb::arg("take_profit") = none,
        nb::arg("trailing") = none, nb::arg("tif") = 0, nb::arg("expires_at") = none,
        nb::arg("post_only") = false, nb::arg("reduce_only") = false, nb::arg("group") = none,
        nb::arg("tag") = none);
  };
  verb("buy", 1);
  verb("sell", -1);
}

}  // namespace algotrader::bindings
