#include "proxy/exchange/analysis_context.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "protocol/sql_tokenizer.hpp"
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

// PostgreSQL itself looks at tables and functions again when one of these has changed, and at nothing else.
bool reads_alike(const SettingMap& one, const SettingMap& other) {
  static constexpr std::array<std::string_view, 4> looked_at = {"role", "row_security", "search_path",
                                                                "session_authorization"};
  const auto is_looked_at = [](const std::string& name) {
    return std::find(looked_at.begin(), looked_at.end(), name) != looked_at.end();
  };
  auto a = one.begin();
  auto b = other.begin();
  for (;;) {
    while (a != one.end() && is_looked_at(a->first)) ++a;
    while (b != other.end() && is_looked_at(b->first)) ++b;
    if (a == one.end() || b == other.end()) return a == one.end() && b == other.end();
    if (*a++ != *b++) return false;
  }
}

bool is_read_by_settings(std::string_view text) {
  const auto is_sign = [](char c) { return c == '\'' || static_cast<unsigned char>(c) >= 0x80; };
  if (std::any_of(text.begin(), text.end(), is_sign)) return true;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    const bool is_parameter = at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9';
    if (!is_parameter) return true;  // a string in dollar quotes
  }
  return folded_find(text, "null");
}

}  // namespace pgweir
