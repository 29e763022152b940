#include "proxy/settings_journal.hpp"

#include <algorithm>
#include <array>

#include "protocol/spent_front.hpp"

namespace pgweir {
namespace {

using Kind = SettingsItem::Kind;

bool is_control(const SettingsItem& item) {
  return item.kind >= Kind::commit;
}

// Of settings that are neither local nor control.
bool is_lasting(const SettingsItem& item) {
  return !is_control(item) && item.kind != Kind::local_doubt && !item.local;
}

bool changes_context(const SettingsItem& item) {
  switch (item.kind) {
    case Kind::set:
    case Kind::reset:
      return matters_to_analysis(item.name);
    case Kind::doubt:
      return item.name.empty() || matters_to_analysis(item.name);
    case Kind::reset_all:
    case Kind::discard_all:
    case Kind::local_doubt:
      return true;
    default:
      return false;
  }
}

void copy_identity(SettingMap& to, const SettingMap& from) {
  for (const std::string_view name : {role_setting, authorization_setting}) {
    if (const auto it = from.find(name); it != from.end()) to.insert_or_assign(it->first, it->second);
  }
}

void reset_all(SettingMap& map, const SettingMap& standard) {
  SettingMap fresh = standard;
  copy_identity(fresh, map);
  map = std::move(fresh);
}

}  // namespace

void SettingsJournal::begin(SettingsStep step) {
  push_behind_spent(pending_, spent_, std::move(step));
}

void SettingsJournal::ended(bool succeeded) {
  if (!has_pending()) return;
  SettingsStep oldest = std::move(pending_[spent_]);
  if (++spent_ == pending_.size()) {
    pending_.clear();
    spent_ = 0;
  }
  if (succeeded) {
    for (SettingsItem& item : oldest) apply(std::move(item));
  } else if (oldest.size() > 1 && std::any_of(oldest.begin(), oldest.end(), is_control)) {
    doubt_step(oldest);  // some of its statements may have been committed before another failed
  }
}

void SettingsJournal::apply(SettingsItem&& item) {
  switch (item.kind) {
    case Kind::commit:
      if (!std::exchange(block_failed_, false)) return commit();
      [[fallthrough]];
    case Kind::rollback:
      block_failed_ = false;
      open_.clear();
      marks_.clear();
      context_lost_ = false;
      return;
    case Kind::savepoint:
      if (marks_.size() >= items_max) return doubt({});
      marks_.push_back({std::move(item.name), open_.size()});
      return;
    case Kind::rollback_to:
      return rollback_to(item.name);
    case Kind::release:
      return release(item.name);
    case Kind::may_commit:
      return;
    case Kind::local_doubt:
      context_lost_ = true;
      return;
    default:
      return push_open(std::move(item));
  }
}

void SettingsJournal::push_open(SettingsItem&& item) {
  if (open_.size() >= items_max) return doubt({});
  open_.push_back(std::move(item));
}

void SettingsJournal::commit() {
  for (SettingsItem& item : open_) {
    if (item.kind == Kind::doubt) {
      doubt(std::move(item.name));
    } else if (!item.local) {
      committed_.push_back(std::move(item));
    }
  }
  open_.clear();
  marks_.clear();
  context_lost_ = false;
}

// The newest of its name counts, as in PostgreSQL.
std::size_t SettingsJournal::find_mark(const std::string& savepoint) const {
  std::size_t at = marks_.size();
  while (at > 0 && marks_[at - 1].savepoint != savepoint) --at;
  return at;  // 0: there is none
}

void SettingsJournal::rollback_to(const std::string& savepoint) {
  block_failed_ = false;
  const std::size_t found = find_mark(savepoint);
  // Set before anything that is open happened, when it was not worth noting.
  if (found == 0) {
    open_.clear();
    marks_.clear();
    return;
  }
  marks_.resize(found);
  open_.resize(std::min(open_.size(), marks_.back().at));
}

void SettingsJournal::release(const std::string& savepoint) {
  const std::size_t found = find_mark(savepoint);
  if (found > 0) marks_.resize(found - 1);
}

void SettingsJournal::ready(TransactionStatus status) {
  const bool failed = std::exchange(failed_, false);
  block_failed_ = status == TransactionStatus::failed;
  if (status != TransactionStatus::idle) return;
  // An implicit transaction is over, or a block was ended by what no text shows: then that was no ROLLBACK.
  if (failed) open_.clear();
  commit();
}

void SettingsJournal::doubt(std::string name) {
  if (name.empty() || matters_to_analysis(name)) context_lost_ = true;
  if (name.empty() || doubts_.size() >= doubts_max) {
    doubts_all_ = true;
  } else if (std::find(doubts_.begin(), doubts_.end(), name) == doubts_.end()) {
    doubts_.push_back(std::move(name));
  }
}

void SettingsJournal::doubt_step(const SettingsStep& step) {
  for (const SettingsItem& item : step) {
    if (!is_lasting(item)) {
      if (changes_context(item)) context_lost_ = true;
      continue;
    }
    const bool is_named = item.kind == Kind::set || item.kind == Kind::reset || item.kind == Kind::doubt;
    doubt(is_named ? item.name : std::string());
  }
}

bool SettingsJournal::is_context_lost() const {
  return context_lost_ || has_pending() || doubts_all_ ||
         std::any_of(doubts_.begin(), doubts_.end(),
                     [](const std::string& name) { return matters_to_analysis(name); });
}

bool SettingsJournal::leaves_context() const {
  return is_empty() || (!is_context_lost() && std::none_of(open_.begin(), open_.end(), changes_context) &&
                        std::none_of(committed_.begin(), committed_.end(), changes_context));
}

// False: nobody can tell what is in force.
bool SettingsJournal::overlay(const SettingsStep& step, const SettingMap& startup, SettingMap& map) {
  for (const SettingsItem& item : step) {
    if (!changes_context(item)) continue;
    // It takes the role along, and other rights to set things.
    if (item.name == authorization_setting) return false;
    switch (item.kind) {
      case Kind::set:
        map.insert_or_assign(item.name, item.value);
        break;
      case Kind::reset:
        if (const auto it = startup.find(item.name); it != startup.end()) {
          map.insert_or_assign(it->first, it->second);
        } else {
          map.erase(item.name);
        }
        break;
      case Kind::reset_all:
        reset_all(map, startup);
        break;
      default:
        return false;
    }
  }
  return true;
}

std::optional<SettingMap> SettingsJournal::in_force(const SettingMap& desired,
                                                    const SettingMap& startup) const {
  if (is_context_lost()) return std::nullopt;
  SettingMap map = desired;
  if (!overlay(committed_, startup, map) || !overlay(open_, startup, map)) return std::nullopt;
  return map;
}

bool SettingsJournal::may_use_temporary_path() const {
  if (is_empty()) return false;
  if (is_context_lost()) return true;
  const auto may = [](const SettingsItem& item) {
    if (!changes_context(item)) return false;
    return item.name == "search_path"
               ? item.kind != Kind::set || item.value.find("pg_temp") != std::string::npos
               : item.kind != Kind::set;
  };
  return std::any_of(open_.begin(), open_.end(), may) ||
         std::any_of(committed_.begin(), committed_.end(), may);
}

void SettingsJournal::clear() {
  committed_.clear();
  doubts_.clear();
  doubts_all_ = false;
}

// --- What analysis reads

bool matters_to_analysis(std::string_view name) {
  // Read by the executor, the transaction or the logger, and by neither the parser nor the planner.
  static constexpr std::array<std::string_view, 22> harmless = {"application_name",
                                                                "client_min_messages",
                                                                "commit_delay",
                                                                "commit_siblings",
                                                                "deadlock_timeout",
                                                                "default_transaction_deferrable",
                                                                "default_transaction_isolation",
                                                                "default_transaction_read_only",
                                                                "idle_in_transaction_session_timeout",
                                                                "idle_session_timeout",
                                                                "lock_timeout",
                                                                "seed",
                                                                "statement_timeout",
                                                                "synchronous_commit",
                                                                "tcp_keepalives_count",
                                                                "tcp_keepalives_idle",
                                                                "tcp_keepalives_interval",
                                                                "tcp_user_timeout",
                                                                "track_activities",
                                                                "track_functions",
                                                                "transaction_timeout",
                                                                "zero_damaged_pages"};
  static_assert(std::is_sorted(harmless.begin(), harmless.end()));
  if (name.find('.') != std::string_view::npos || name.starts_with("log_")) return false;
  return !std::binary_search(harmless.begin(), harmless.end(), name);
}

SettingMap analysis_settings(const SettingMap& settings) {
  SettingMap out;
  for (const auto& [name, value] : settings) {
    if (matters_to_analysis(name)) out.emplace_hint(out.end(), name, value);
  }
  return out;
}

// --- The end of a transaction

namespace {

void apply_item(const SettingsItem& item, const SettingMap& startup, SettingMap& desired,
                SettingMap& applied) {
  if (item.name == "seed") return;
  const bool by_authorization = item.name == authorization_setting;
  if (by_authorization) {
    desired.erase(std::string(role_setting));
    applied.erase(std::string(role_setting));
  }
  if (item.kind == Kind::set) {
    desired.insert_or_assign(item.name, item.value);
    applied.insert_or_assign(item.name, item.value);
  } else {
    applied.erase(item.name);
    desired.erase(item.name);
    if (const auto it = startup.find(item.name); it != startup.end())
      desired.insert_or_assign(it->first, it->second);
  }
  // Not the role that it brought.
  if (by_authorization && item.kind == Kind::set && startup.contains(role_setting))
    desired.insert_or_assign(std::string(role_setting), "none");
}

}  // namespace

void apply_settings(const SettingsStep& committed, const SettingMap& startup, bool restored,
                    SettingMap& desired, SettingMap& applied) {
  for (const SettingsItem& item : committed) {
    switch (item.kind) {
      case Kind::discard_all:
        desired = startup;
        applied = restored ? startup : SettingMap();
        break;
      case Kind::reset_all:
        reset_all(desired, startup);
        reset_all(applied, {});
        break;
      case Kind::set:
      case Kind::reset:
        apply_item(item, startup, desired, applied);
        break;
      default:
        break;
    }
  }
}

}  // namespace pgweir
