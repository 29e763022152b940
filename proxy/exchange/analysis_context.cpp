#include "proxy/exchange/analysis_context.hpp"

#include "proxy/worker/worker.hpp"

namespace pgweir {

AnalysisContext analysis_context(const Exchange& x) {
  // Its own DDL is not seen by other sessions before it is committed.
  if (x.may_have_temporary() || x.watch.marks.contains(Mark::unseen) ||
      x.watch.marks.contains(Mark::changed_schema))
    return {};
  const bool is_certain =
      x.code.unjudged.empty() && !x.code.triggers_unjudged && !x.code.definitions_unjudged;
  if (x.journal.leaves_context())
    return {x.worker.settings_memo().analysis_settings(x.client.desired), is_certain};
  const std::optional<SettingMap> in_force = x.journal.in_force(*x.client.desired, *x.client.startup);
  if (!in_force) return {};
  return {x.worker.interner().intern(analysis_settings(*in_force)), is_certain};
}

// An unnamed statement is mostly parsed anew each time its client uses it.
bool is_in_its_context(const Exchange& exchange, const Statement& statement) {
  if (statement.server_name.empty() || statement.by_sql) return true;
  const AnalysisContext now = analysis_context(exchange);
  return now.settings != nullptr && statement.context == now.settings;
}

bool is_in_another_context(const Exchange& exchange, const Statement& statement) {
  if (statement.server_name.empty() || statement.by_sql) return false;
  const AnalysisContext now = analysis_context(exchange);
  return now.settings != nullptr && statement.context != now.settings;
}

}  // namespace pgweir
