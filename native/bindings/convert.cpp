#include "convert.hpp"

#include <algorithm>
#include <string>

namespace algotrader::bindings {

namespace {

double number(nb::handle record, const char* name) {
  return nb::cast<double>(record.attr(name));
}
double optional_number(nb::handle record, const char* name) {
  const nb::object value = record.attr(name);
  return value.is_none() ? kNone : nb::cast<double>(value);
}
template <typename Enum>
Enum token(nb::handle record, const char* name) {
  return static_cast<Enum>(nb::cast<int>(record.attr(name)));
}
std::int64_t optional_integer(nb::handle record, const char* name, std::int64_t absent) {
  const nb::object value = record.attr(name);
  return value.is_none() ? absent : nb::cast<std::int64_t>(value);
}

}  // namespace

NativePanel::NativePanel(nb::handle panel) {
  const nb::object ts = panel.attr("ts");
  const auto stamps = nb::cast<Ints1>(ts);
  view_.rows = stamps.shape(0);
  view_.ts = integers(panel, "ts");
  view_.timeframe = nb::cast<std::int64_t>(panel.attr("timeframe_ms"));
  view_.columns = nb::cast<Floats2>(panel.attr("close")).shape(1);
  view_.stride = view_.columns;
  view_.open = matrix(panel, "open");
  view_.high = matrix(panel, "high");
  view_.low = matrix(panel, "low");
  view_.close = matrix(panel, "close");
  view_.volume = matrix(panel, "volume");
  view_.session = integers(panel, "session");
  view_.mark_open = matrix(panel, "mark_open");
  view_.mark_high = matrix(panel, "mark_high");
  view_.mark_low = matrix(panel, "mark_low");
  view_.mark_close = matrix(panel, "mark_close");
  view_.funding_ts = integers(panel, "funding_ts", &view_.fundings);
  view_.funding_instrument = integers(panel, "funding_instrument");
  view_.finer_ts = integers(panel, "finer_ts", &view_.finer_rows);
  if (const nb::object rates = panel.attr("funding_rate"); !rates.is_none()) {
    view_.funding_rate = nb::cast<Floats1>(rates).data();
    kept_.push_back(rates);
  }
  view_.finer_ohlc = cube(panel, "finer_ohlc");
  view_.finer_mark_ohlc = cube(panel, "finer_mark_ohlc");
  if (const nb::object schedule = panel.attr("schedule"); !schedule.is_none()) {
    view_.schedule = reinterpret_cast<const std::uint8_t*>(nb::cast<Bools1>(schedule).data());
    kept_.push_back(schedule);
  }
}

const double* NativePanel::matrix(nb::handle panel, const char* name) {
  const nb::object values = panel.attr(name);
  if (values.is_none()) return nullptr;
  kept_.push_back(values);
  return nb::cast<Floats2>(values).data();
}

const double* NativePanel::cube(nb::handle panel, const char* name) {
  const nb::object values = panel.attr(name);
  if (values.is_none()) return nullptr;
  kept_.push_back(values);
  return nb::cast<Floats3>(values).data();
}

const std::int64_t* NativePanel::integers(nb::handle panel, const char* name, std::size_t* count) {
  const nb::object values = panel.attr(name);
  if (values.is_none()) return nullptr;
  kept_.push_back(values);
  const auto array = nb::cast<Ints1>(values);
  if (count != nullptr) *count = array.shape(0);
  return array.data();
}

Instrument to_instrument(nb::handle record) {
  Instrument instrument;
  instrument.kind = token<InstrumentKind>(record, "kind");
  instrument.tick = number(record, "tick");
  instrument.lot = number(record, "lot");
  instrument.min_quantity = number(record, "min_quantity");
  instrument.min_notional = number(record, "min_notional");
  instrument.multiplier = number(record, "multiplier");
  instrument.maker_fee = number(record, "maker_fee");
  instrument.taker_fee = number(record, "taker_fee");
  instrument.min_fee = number(record, "min_fee");
  instrument.fee_in_received = nb::cast<bool>(record.attr("fee_in_received"));
  instrument.slippage_bps = number(record, "slippage_bps");
  instrument.half_spread_bps = number(record, "half_spread_bps");
  instrument.impact = number(record, "impact");
  instrument.participation = number(record, "participation");
  instrument.never_closes = nb::cast<bool>(record.attr("never_closes"));
  instrument.leverage = number(record, "leverage");
  for (const nb::handle tier : record.attr("tiers")) {
    instrument.tiers.push_back({nb::cast<double>(tier[0]), nb::cast<double>(tier[1])});
  }
  instrument.liquidation_fee = number(record, "liquidation_fee");
  instrument.size_share = number(record, "size_share");
  instrument.listed_at = optional_integer(record, "listed_at", instrument.listed_at);
  instrument.delisted_at = optional_integer(record, "delisted_at", kNever);
  instrument.delist_haircut = number(record, "delist_haircut");
  return instrument;
}

std::vector<Instrument> to_instruments(nb::handle records) {
  std::vector<Instrument> instruments;
  for (const nb::handle record : records) instruments.push_back(to_instrument(record));
  return instruments;
}

Settings to_settings(nb::handle record) {
  Settings settings;
  settings.cash = number(record, "cash");
  settings.margin_mode = token<MarginMode>(record, "margin_mode");
  settings.cash_buffer = number(record, "cash_buffer");
  settings.max_leverage = number(record, "max_leverage");
  settings.max_weight = number(record, "max_weight");
  settings.max_notional = number(record, "max_notional");
  settings.max_weight_abs = number(record, "max_weight_abs");
  settings.rebalance = token<RebalanceRule>(record, "rebalance");
  settings.band = number(record, "band");
  const nb::object execution = record.attr("execution");
  if (!execution.is_none()) settings.execution = token<ExecutionRule>(record, "execution");
  settings.cap_bps = number(record, "cap_bps");
  settings.path = token<PathRule>(record, "path");
  settings.gap_fill = token<GapFill>(record, "gap_fill");
  settings.size_at = token<SizeAt>(record, "size_at");
  settings.stop_loss = optional_number(record, "stop_loss");
  settings.take_profit = optional_number(record, "take_profit");
  settings.trailing = optional_number(record, "trailing");
  settings.reenter_after = optional_integer(record, "reenter_after", -1);
  settings.close_only = nb::cast<bool>(record.attr("close_only"));
  return settings;
}

Request to_request(nb::handle record) {
  Request request;
  if (nb::hasattr(record, "side")) {
    request.kind = RequestKind::Order;
    request.instrument = nb::cast<int>(record.attr("instrument"));
    request.side = nb::cast<int>(record.attr("side"));
    request.quantity = optional_number(record, "quantity");
    request.weight = optional_number(record, "weight");
    request.value = optional_number(record, "value");
    request.limit = optional_number(record, "limit");
    request.stop = optional_number(record, "stop");
    request.trail = optional_number(record, "trail");
    request.stop_loss = optional_number(record, "stop_loss");
    request.take_profit = optional_number(record, "take_profit");
    request.trailing = optional_number(record, "trailing");
    request.tif = token<TimeInForce>(record, "tif");
    request.expires_at = optional_integer(record, "expires_at", kNever);
    request.post_only = nb::cast<bool>(record.attr("post_only"));
    request.reduce_only = nb::cast<bool>(record.attr("reduce_only"));
    request.group = optional_integer(record, "group", -1);
    request.tag = nb::cast<std::int64_t>(record.attr("tag"));
  } else if (nb::hasattr(record, "limit")) {
    request.kind = RequestKind::Amend;
    request.order = nb::cast<std::int64_t>(record.attr("order"));
    request.quantity = optional_number(record, "quantity");
    request.limit = optional_number(record, "limit");
    request.stop = optional_number(record, "stop");
  } else if (nb::hasattr(record, "order")) {
    request.kind = RequestKind::Cancel;
    request.order = nb::cast<std::int64_t>(record.attr("order"));
  } else {
    request.kind = RequestKind::Target;
    request.instrument = nb::cast<int>(record.attr("instrument"));
    request.weight = optional_number(record, "weight");
    request.quantity = optional_number(record, "quantity");
  }
  return request;
}

Script to_script(nb::handle script) {
  Script result;
  if (script.is_none()) return result;
  for (const nb::handle entry : script.attr("items")()) {
    const auto row = nb::cast<std::size_t>(entry[0]);
    for (const nb::handle record : entry[1]) result.emplace_back(row, to_request(record));
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return result;
}

namespace {

template <typename T, typename Get>
nb::object column(const std::vector<Fill>& fills, Get get) {
  std::vector<T> values;
  values.reserve(fills.size());
  for (const Fill& fill : fills) values.push_back(static_cast<T>(get(fill)));
  return nb::cast(array_of(values));
}

}  // namespace

nb::dict fills_of(const std::vector<Fill>& fills) {
  nb::dict out;
  out["row"] = column<std::int64_t>(fills, [](const Fill& f) { return f.row; });
  out["instrument"] = column<std::int64_t>(fills, [](const Fill& f) { return f.instrument; });
  out["order"] = column<std::int64_t>(fills, [](const Fill& f) { return f.order; });
  out["quantity"] = column<double>(fills, [](const Fill& f) { return f.quantity; });
  out["price"] = column<double>(fills, [](const Fill& f) { return f.price; });
  out["fee"] = column<double>(fills, [](const Fill& f) { return f.fee; });
  out["slippage"] = column<double>(fills, [](const Fill& f) { return f.slippage; });
  out["maker"] = column<std::int8_t>(fills, [](const Fill& f) { return f.maker; });
  out["reason"] = column<std::int8_t>(fills, [](const Fill& f) { return f.reason; });
  out["opening"] = column<std::int8_t>(fills, [](const Fill& f) { return f.opening; });
  out["ambiguous"] = column<std::int8_t>(fills, [](const Fill& f) { return f.ambiguous; });
  return out;
}

nb::dict counters_of(const Counters& counters) {
  nb::dict out;
  for (std::size_t k = 0; k < counters.size(); ++k) {
    out[nb::str(kCounterNames[k].data(), kCounterNames[k].size())] = counters[k];
  }
  return out;
}

}  // namespace algotrader::bindings
