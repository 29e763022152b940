#include "proxy/exchange/analysis_context.hpp"

#include <memory>
#include <optional>

#include "proxy/state/analysis_settings.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

namespace {

bool is_code_judged(const Exchange& x) {
  return x.code.unjudged.empty() && !x.code.triggers_unjudged && !x.code.definitions_unjudged;
}

}  // namespace

AnalysisContext analysis_context(const Exchange& x) {
  // Its own DDL is not seen by other sessions before it is committed.
  if (x.may_have_temporary() || x.watch.marks.contains(Mark::unseen) ||
      x.watch.marks.contains(Mark::changed_schema))
    return {};
  const bool is_certain = is_code_judged(x);
  if (x.journal.leaves_context())
    return {x.worker.settings_memo().analysis_settings(x.client.desired), is_certain};
  const std::optional<SettingMap> in_force = x.journal.in_force(*x.client.desired, *x.client.startup);
  if (!in_force) return {};
  return {x.worker.interner().intern(analysis_settings(*in_force)), is_certain};
}

MapRef settings_of_unnamed(const Exchange& x) {
  const bool is_known = x.journal.leaves_context() && !x.code.any() && !x.watch.marks.contains(Mark::unseen);
  return is_known ? x.client.desired : nullptr;
}

namespace {

// Null: it is not known under which settings the statement was parsed.
MapRef context_of(const Exchange& x, const Statement& statement) {
  const auto settings = std::static_pointer_cast<const SettingMap>(statement.context);
  const bool is_unnamed = statement.server_name.empty() && settings != nullptr;
  return is_unnamed ? x.worker.settings_memo().analysis_settings(settings) : settings;
}

}  // namespace

bool is_in_its_context(const Exchange& exchange, const Statement& statement) {
  const AnalysisContext now = analysis_context(exchange);
  return now.settings != nullptr && context_of(exchange, statement) == now.settings;
}

bool is_in_another_context(const Exchange& exchange, const Statement& statement) {
  const AnalysisContext now = analysis_context(exchange);
  return now.settings != nullptr && context_of(exchange, statement) != now.settings;
}

MapRef plan_settings(const Exchange& x) {
  if (x.watch.marks.contains(Mark::unseen) || !is_code_judged(x)) return nullptr;
  if (x.journal.leaves_plans()) return x.worker.settings_memo().plan_settings(x.client.desired);
  const std::optional<SettingMap> in_force = x.journal.in_force(*x.client.desired, *x.client.startup);
  return in_force ? x.worker.interner().intern(plan_settings(*in_force)) : nullptr;
}

namespace {

// Nearly always so, at the price of a few comparisons.
bool is_in_settled_context(const Exchange& x, const Statement& statement) {
  if (x.watch.marks.contains(Mark::unseen) || !is_code_judged(x) || !x.journal.leaves_context()) return false;
  return x.worker.settings_memo().analysis_settings(x.client.desired).get() == statement.context.get();
}

}  // namespace

bool is_planned_alike(const Exchange& x, const Statement& statement) {
  if (statement.context == nullptr) return false;
  if (is_in_settled_context(x, statement)) return true;
  const auto settings = std::static_pointer_cast<const SettingMap>(statement.context);
  const MapRef meant = x.worker.settings_memo().plan_settings(settings);
  return plan_settings(x) == meant;
}

bool is_only_read_otherwise(const Exchange& x, const Statement& statement) {
  const MapRef now = plan_settings(x);
  const auto settings = std::static_pointer_cast<const SettingMap>(statement.context);
  return now != nullptr && settings != nullptr &&
         differ_in_reading(*now, *x.worker.settings_memo().plan_settings(settings));
}

bool is_read_alike(const Exchange& x, const Statement& statement) {
  const MapRef now = plan_settings(x);
  const auto settings = std::static_pointer_cast<const SettingMap>(statement.context);
  return now != nullptr && settings != nullptr && are_read_alike(*now, *settings);
}

}  // namespace pgweir
