#include "proxy/dashboard/state.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "proxy/dashboard/diagnosis.hpp"

namespace pgweir::dashboard {
namespace {

using Json = nlohmann::ordered_json;

// More than three digits nobody reads. Divided by a power of ten, a number is written as short as it can be.
double number(double value) {
  if (value <= 0 || !std::isfinite(value)) return 0;
  const double scale = std::pow(10, std::max(0.0, 2 - std::floor(std::log10(value))));
  return std::round(value * scale) / scale;
}

Json milliseconds(std::optional<double> seconds) {
  return seconds ? Json(number(*seconds * 1e3)) : Json();
}

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  text.resize(most);
  return text + "...";
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json rate(std::optional<double> per_second) {
  return per_second ? Json(number(*per_second)) : Json();
}

Json percentiles(const DurationCounts& counts) {
  if (counts.total() == 0) return {};
  return {{"count", counts.total()},
          {"p50_ms", milliseconds(counts.percentile(0.5))},
          {"p95_ms", milliseconds(counts.percentile(0.95))},
          {"p99_ms", milliseconds(counts.percentile(0.99))}};
}

// What a point consists of, by the names that the page knows.
struct Series {
  const char* name;
  Json (*value)(const HistoryPoint&);
};
constexpr std::array<Series, 7> all_series{{
    {"waiting", [](const HistoryPoint& p) { return Json(p.waiting); }},
    {"borrowed", [](const HistoryPoint& p) { return Json(p.borrowed); }},
    {"queries", [](const HistoryPoint& p) { return Json(number(p.queries)); }},
    {"transactions", [](const HistoryPoint& p) { return Json(number(p.transactions)); }},
    {"wait_p95_ms", [](const HistoryPoint& p) { return milliseconds(p.wait_p95); }},
    {"query_p95_ms", [](const HistoryPoint& p) { return milliseconds(p.query_p95); }},
    {"transaction_p95_ms", [](const HistoryPoint& p) { return milliseconds(p.transaction_p95); }},
}};

Json point_json(const HistoryPoint& point) {
  Json json;
  for (const Series& series : all_series) json[series.name] = series.value(point);
  return json;
}

Json values_json(const Series& series, const PoolHistory& pool) {
  Json::array_t values;
  values.reserve(pool.points().size());
  for (const HistoryPoint& point : pool.points()) values.push_back(series.value(point));
  return values;
}

Json pins_json(const PoolFacts& pool) {
  Json pins = Json::array();
  for (std::size_t i = 0; i < pin_count; ++i) {
    const PinText& text = text_of(static_cast<Pin>(i));
    if (pool.pinned[i] > 0)
      pins.push_back(
          {{"reason", text.name}, {"sessions", pool.pinned[i]}, {"what", text.what}, {"ends", text.ends}});
  }
  return pins;
}

Json clients_json(const PoolFacts& pool) {
  const std::size_t engaged = pool.counts.waiting + pool.counts.borrowed;
  return {{"active", pool.counts.borrowed},
          {"idle", pool.clients > engaged ? pool.clients - engaged : 0},
          {"waiting", pool.counts.waiting}};
}

Json backends_json(const PoolFacts& pool) {
  return {{"idle", pool.counts.idle},       {"borrowed", pool.counts.borrowed},
          {"opening", pool.counts.opening}, {"leaving", pool.counts.leaving},
          {"min", pool.settings->min_size}, {"max", pool.settings->max_size}};
}

struct Judged {
  const PoolFacts* pool;
  const PoolHistory* history;
  Diagnosis diagnosis;
  bool disabled;
};

Judged judge(const PoolFacts& pool, const StateInput& in) {
  Judged judged{&pool, in.history.find(pool), {}, in.is_disabled(pool.database)};
  DiagnosisInput input{pool, judged.disabled};
  if (judged.history != nullptr) {
    input.had_queries = judged.history->had_queries();
    input.last_minute = judged.history->last_minute();
    input.transactions_per_second = judged.history->transactions_per_second();
  }
  input.now = in.now;
  input.wall = in.wall;
  judged.diagnosis = diagnose(input);
  return judged;
}

Json pool_json(const Judged& judged, const StateInput& in) {
  const PoolFacts& pool = *judged.pool;
  Json json{{"database", cut(pool.database, name_max)},
            {"user", cut(pool.user, name_max)},
            {"server", cut(pool.host, name_max) + ':' + std::to_string(pool.port)},
            {"mode", config::to_string(pool.settings->mode)},
            {"condition", to_string(judged.diagnosis.condition)},
            {"diagnosis", cut(judged.diagnosis.text, text_max)},
            {"paused", pool.paused},
            {"disabled", judged.disabled},
            {"retired", pool.retired},
            {"refusal", pool.refusal.empty() ? Json() : Json(cut(pool.refusal, text_max))},
            {"clients", clients_json(pool)},
            {"backends", backends_json(pool)},
            {"pins", pins_json(pool)}};
  json["longest_wait_ms"] =
      pool.longest_wait
          ? milliseconds(std::max(0.0, std::chrono::duration<double>(in.now - *pool.longest_wait).count()))
          : Json();
  if (judged.history == nullptr) return json;
  const PoolDurations durations = judged.history->last_minute();
  json["rates"] = {{"queries", rate(judged.history->queries_per_second())},
                   {"transactions", rate(judged.history->transactions_per_second())}};
  json["last_minute"] = {{"borrow_wait", percentiles(durations.borrow_wait)},
                         {"query", percentiles(durations.query)},
                         {"transaction", percentiles(durations.transaction)}};
  const auto& points = judged.history->points();
  json["point"] = points.empty() ? Json() : point_json(points.back());
  return json;
}

Json process_json(const ProcessFacts& process) {
  return {
      {"version", process.version},
      {"uptime_s", process.uptime.count()},
      {"workers", process.workers},
      {"clients", process.clients},
      {"max_clients", process.max_clients},
      {"draining", process.draining},
      {"ready", process.ready},
      {"certificate_expires", process.certificate_expires == 0 ? Json() : Json(process.certificate_expires)}};
}

bool is_worse(const Judged& a, const Judged& b) {
  if (a.diagnosis.condition != b.diagnosis.condition) return a.diagnosis.condition < b.diagnosis.condition;
  if (a.pool->counts.waiting != b.pool->counts.waiting)
    return a.pool->counts.waiting > b.pool->counts.waiting;
  return std::tie(a.pool->database, a.pool->user) < std::tie(b.pool->database, b.pool->user);
}

}  // namespace

std::string state_json(const StateInput& in) {
  std::vector<Judged> judged;
  judged.reserve(in.pools.size());
  for (const PoolFacts& pool : in.pools) judged.push_back(judge(pool, in));
  std::sort(judged.begin(), judged.end(), is_worse);

  const std::int64_t wall_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(in.wall.time_since_epoch()).count();
  Json json{{"now_ms", wall_ms},
            {"process", process_json(in.process)},
            {"sequence", in.history.sequence()},
            {"pools_left_out", judged.size() > pools_max ? judged.size() - pools_max : 0},
            {"pools", Json::array()}};
  for (std::size_t i = 0; i < std::min(judged.size(), pools_max); ++i)
    json["pools"].push_back(pool_json(judged[i], in));
  return dump(json);
}

std::string history_json(const History& history) {
  Json json{{"interval_ms", History::interval.count()},
            {"points_max", History::points_max},
            {"sequence", history.sequence()},
            {"pools", Json::array()}};
  for (const auto& [key, pool] : history.pools()) {
    Json series = Json::object();
    for (const Series& each : all_series) series[each.name] = values_json(each, pool);
    json["pools"].push_back({{"database", cut(key.first, name_max)},
                             {"user", cut(key.second, name_max)},
                             {"series", std::move(series)}});
  }
  return dump(json);
}

}  // namespace pgweir::dashboard
