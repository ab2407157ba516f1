#include "convert.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

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

namespace {

// All fields of a record in one call: an attribute at a time is what a panel of hundreds of
// instruments would mostly spend its time on. The order is that of to_instrument.
nb::tuple fields_of(nb::handle record) {
  static const nb::handle getter =
      nb::module_::import_("operator")
          .attr("attrgetter")("kind", "tick", "lot", "min_quantity", "min_notional", "multiplier",
                              "maker_fee", "taker_fee", "min_fee", "fee_in_received",
                              "slippage_bps", "half_spread_bps", "impact", "participation",
                              "never_closes", "leverage", "tiers", "liquidation_fee", "size_share",
                              "listed_at", "delisted_at", "delist_haircut")
          .release();  // for the life of the process
  return nb::cast<nb::tuple>(getter(record));
}

std::int64_t moment(nb::handle value, std::int64_t absent) {
  return value.is_none() ? absent : nb::cast<std::int64_t>(value);
}

[[noreturn]] void refuse(nb::handle record, const char* name, const char* must) {
  const std::string symbol = nb::cast<std::string>(record.attr("symbol"));
  const std::string value = nb::cast<std::string>(nb::str(nb::object(record.attr(name))));
  throw nb::value_error((symbol + ": " + name + " must be " + must + ", not " + value).c_str());
}

void check_instrument(nb::handle record, const Instrument& instrument) {
  const std::pair<const char*, double> positive[] = {{"lot", instrument.lot},
                                                     {"multiplier", instrument.multiplier},
                                                     {"leverage", instrument.leverage},
                                                     {"size_share", instrument.size_share}};
  const std::pair<const char*, double> not_negative[] = {
      {"tick", instrument.tick},
      {"min_quantity", instrument.min_quantity},
      {"min_notional", instrument.min_notional},
      {"min_fee", instrument.min_fee},
      {"slippage_bps", instrument.slippage_bps},
      {"half_spread_bps", instrument.half_spread_bps},
      {"impact", instrument.impact},
      {"participation", instrument.participation},
      {"liquidation_fee", instrument.liquidation_fee}};
  const std::pair<const char*, double> finite[] = {{"maker_fee", instrument.maker_fee},
                                                   {"taker_fee", instrument.taker_fee},
                                                   {"delist_haircut", instrument.delist_haircut}};
  for (const auto& [name, value] : positive) {
    if (!std::isfinite(value)) refuse(record, name, "finite");
    if (value <= 0.0) refuse(record, name, "positive");
  }
  for (const auto& [name, value] : not_negative) {
    if (!std::isfinite(value)) refuse(record, name, "finite");
    if (value < 0.0) refuse(record, name, "0 or more");
  }
  for (const auto& [name, value] : finite) {
    if (!std::isfinite(value)) refuse(record, name, "finite");
  }
  const auto below = [](const Tier& a, const Tier& b) { return a.upper < b.upper; };
  if (!std::is_sorted(instrument.tiers.begin(), instrument.tiers.end(), below)) {
    refuse(record, "tiers", "in the order of their bounds");
  }
}

}  // namespace

Instrument to_instrument(nb::handle record) {
  const nb::tuple fields = fields_of(record);
  const auto number_at = [&](std::size_t place) { return nb::cast<double>(fields[place]); };
  Instrument instrument;
  instrument.kind = static_cast<InstrumentKind>(nb::cast<int>(fields[0]));
  instrument.tick = number_at(1);
  instrument.lot = number_at(2);
  instrument.min_quantity = number_at(3);
  instrument.min_notional = number_at(4);
  instrument.multiplier = number_at(5);
  instrument.maker_fee = number_at(6);
  instrument.taker_fee = number_at(7);
  instrument.min_fee = number_at(8);
  instrument.fee_in_received = nb::cast<bool>(fields[9]);
  instrument.slippage_bps = number_at(10);
  instrument.half_spread_bps = number_at(11);
  instrument.impact = number_at(12);
  instrument.participation = number_at(13);
  instrument.never_closes = nb::cast<bool>(fields[14]);
  instrument.leverage = number_at(15);
  for (const nb::handle tier : fields[16]) {
    instrument.tiers.push_back({nb::cast<double>(tier[0]), nb::cast<double>(tier[1])});
  }
  instrument.liquidation_fee = number_at(17);
  instrument.size_share = number_at(18);
  instrument.listed_at = moment(fields[19], instrument.listed_at);
  instrument.delisted_at = moment(fields[20], kNever);
  instrument.delist_haircut = number_at(21);
  return instrument;
}

std::vector<Instrument> to_instruments(nb::handle records) {
  std::vector<Instrument> instruments;
  for (const nb::handle record : records) {
    instruments.push_back(to_instrument(record));
    check_instrument(record, instruments.back());
  }
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

nb::dict fills_of(const std::vector<Fill>& fills) {
  nb::dict out;
  out["row"] = column_of<std::int64_t>(fills, [](const Fill& f) { return f.row; });
  out["instrument"] = column_of<std::int64_t>(fills, [](const Fill& f) { return f.instrument; });
  out["order"] = column_of<std::int64_t>(fills, [](const Fill& f) { return f.order; });
  out["quantity"] = column_of<double>(fills, [](const Fill& f) { return f.quantity; });
  out["price"] = column_of<double>(fills, [](const Fill& f) { return f.price; });
  out["fee"] = column_of<double>(fills, [](const Fill& f) { return f.fee; });
  out["slippage"] = column_of<double>(fills, [](const Fill& f) { return f.slippage; });
  out["maker"] = column_of<std::int8_t>(fills, [](const Fill& f) { return f.maker; });
  out["reason"] = column_of<std::int8_t>(fills, [](const Fill& f) { return f.reason; });
  out["opening"] = column_of<std::int8_t>(fills, [](const Fill& f) { return f.opening; });
  out["ambiguous"] = column_of<std::int8_t>(fills, [](const Fill& f) { return f.ambiguous; });
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
