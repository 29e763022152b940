#include "proxy/state/settings_journal.hpp"

#include <algorithm>

#include "protocol/spent_front.hpp"
#include "proxy/state/analysis_settings.hpp"

namespace pgweir {
namespace {

using Kind = SettingsItem::Kind;

bool is_control(const SettingsItem& item) {
  return item.kind >= Kind::commit;
}

// Whether the item is neither local nor control.
bool is_lasting(const SettingsItem& item) {
  return !is_control(item) && item.kind != Kind::local_doubt && !item.local;
}

bool is_unordered(const SettingsItem& item) {
  return item.kind == Kind::unordered;
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

bool changes_plans(const SettingsItem& item) {
  return changes_context(item) && !is_looked_at_again(item.name);
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

SettingsJournal::State& SettingsJournal::state() {
  if (!s_) s_ = std::make_unique<State>();
  return *s_;
}

bool SettingsJournal::State::holds_nothing() const {
  return spent == pending.size() && open.empty() && marks.empty() && committed.empty() && doubts.empty() &&
         !failed && !block_failed && !context_lost;
}

void SettingsJournal::drop_if_empty() {
  if (s_ && s_->holds_nothing()) s_.reset();
}

const SettingsStep& SettingsJournal::committed() const {
  static const SettingsStep none;
  return s_ ? s_->committed : none;
}

const std::vector<std::string>& SettingsJournal::doubts() const {
  static const std::vector<std::string> none;
  return s_ ? s_->doubts.names : none;
}

void SettingsJournal::begin(SettingsStep step) {
  state();
  push_behind_spent(s_->pending, s_->spent, std::move(step));
}

void SettingsJournal::ended(bool succeeded) {
  if (!has_pending()) return;
  SettingsStep oldest = std::move(s_->pending[s_->spent]);
  if (++s_->spent == s_->pending.size()) {
    s_->pending.clear();
    s_->spent = 0;
  }
  // Some of its statements may have been committed before another failed, with all that was open before it.
  const bool may_have_committed =
      !succeeded && oldest.size() > 1 && std::any_of(oldest.begin(), oldest.end(), is_control);
  if (may_have_committed || std::any_of(oldest.begin(), oldest.end(), is_unordered)) {
    doubt_step(oldest);
    doubt_step(s_->open);
  } else if (succeeded) {
    for (SettingsItem& item : oldest) apply(std::move(item));
  }
}

void SettingsJournal::apply(SettingsItem&& item) {
  switch (item.kind) {
    case Kind::commit:
      if (!std::exchange(s_->block_failed, false)) return commit();
      [[fallthrough]];
    case Kind::rollback:
      s_->block_failed = false;
      s_->open.clear();
      s_->marks.clear();
      s_->context_lost = false;
      return;
    case Kind::savepoint:
      if (s_->marks.size() >= items_max) return doubt({});
      s_->marks.push_back({std::move(item.name), s_->open.size()});
      return;
    case Kind::rollback_to:
      return rollback_to(item.name);
    case Kind::release:
      return release(item.name);
    case Kind::may_commit:
    case Kind::unordered:
      return;
    case Kind::discard_all:
      push_open(std::move(item));
      return commit();  // at once, whatever fails before the next Sync
    case Kind::local_doubt:
      s_->context_lost = true;
      return;
    default:
      return push_open(std::move(item));
  }
}

void SettingsJournal::push_open(SettingsItem&& item) {
  if (s_->open.size() >= items_max) return doubt({});
  s_->open.push_back(std::move(item));
}

void SettingsJournal::commit() {
  for (SettingsItem& item : s_->open) {
    if (item.kind == Kind::doubt) {
      doubt(std::move(item.name));
    } else if (!item.local) {
      s_->committed.push_back(std::move(item));
    }
  }
  s_->open.clear();
  s_->marks.clear();
  s_->context_lost = false;
}

// The newest savepoint of a name counts, as in PostgreSQL.
std::size_t SettingsJournal::find_mark(const std::string& savepoint) const {
  std::size_t at = s_->marks.size();
  while (at > 0 && s_->marks[at - 1].savepoint != savepoint) --at;
  return at;  // 0: there is none
}

void SettingsJournal::rollback_to(const std::string& savepoint) {
  s_->block_failed = false;
  const std::size_t found = find_mark(savepoint);
  // The savepoint was set before anything that is open happened, when it was not worth noting.
  if (found == 0) {
    s_->open.clear();
    s_->marks.clear();
    return;
  }
  s_->marks.resize(found);
  s_->open.resize(std::min(s_->open.size(), s_->marks.back().at));
}

void SettingsJournal::release(const std::string& savepoint) {
  const std::size_t found = find_mark(savepoint);
  if (found > 0) s_->marks.resize(found - 1);
}

void SettingsJournal::ready(TransactionStatus status) {
  if (!s_) return;
  const bool failed = std::exchange(s_->failed, false);
  s_->block_failed = status == TransactionStatus::failed;
  if (status != TransactionStatus::idle) return drop_if_empty();
  // An implicit transaction is over, or a block was ended in a way that no text shows. Without an error, that
  // was not a ROLLBACK.
  if (failed) s_->open.clear();
  commit();
  drop_if_empty();
}

void SettingsJournal::doubt(std::string name) {
  state();
  if (name.empty() || matters_to_analysis(name)) s_->context_lost = true;
  s_->doubts.add(std::move(name));
}

void SettingsJournal::Doubts::add(std::string name) {
  if (name.empty() || names.size() >= doubts_max) {
    all = true;
  } else if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(std::move(name));
  }
}

bool SettingsJournal::Doubts::concern_analysis() const {
  return all || std::any_of(names.begin(), names.end(),
                            [](const std::string& name) { return matters_to_analysis(name); });
}

void SettingsJournal::doubt_step(const SettingsStep& step) {
  for (const SettingsItem& item : step) {
    if (!is_lasting(item)) {
      if (changes_context(item)) s_->context_lost = true;
      continue;
    }
    const bool is_named = item.kind == Kind::set || item.kind == Kind::reset || item.kind == Kind::doubt;
    doubt(is_named ? item.name : std::string());
  }
}

bool SettingsJournal::is_context_lost() const {
  return s_ != nullptr && (s_->context_lost || has_pending() || s_->doubts.concern_analysis());
}

bool SettingsJournal::leaves(bool (*changes)(const SettingsItem&)) const {
  return is_empty() || (!is_context_lost() && std::none_of(s_->open.begin(), s_->open.end(), changes) &&
                        std::none_of(s_->committed.begin(), s_->committed.end(), changes));
}

bool SettingsJournal::leaves_context() const {
  return leaves(changes_context);
}

bool SettingsJournal::leaves_plans() const {
  return leaves(changes_plans);
}

// False: it is not known what is in force.
bool SettingsJournal::overlay(const SettingsStep& step, const SettingMap& startup, SettingMap& map) {
  for (const SettingsItem& item : step) {
    if (!changes_context(item)) continue;
    // This setting also changes the role, and with it the rights to set things.
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
  if (is_empty()) return map;
  if (!overlay(s_->committed, startup, map) || !overlay(s_->open, startup, map)) return std::nullopt;
  return map;
}

bool SettingsJournal::may_use_temporary_path() const {
  if (is_empty()) return false;
  if (is_context_lost()) return true;
  const auto may = [](const SettingsItem& item) {
    if (!changes_context(item)) return false;
    return item.name == "search_path" ? item.kind != Kind::set || names_temporary(item.value)
                                      : item.kind != Kind::set;
  };
  return std::any_of(s_->open.begin(), s_->open.end(), may) ||
         std::any_of(s_->committed.begin(), s_->committed.end(), may);
}

void SettingsJournal::clear() {
  if (!s_) return;
  s_->committed.clear();
  s_->doubts = {};
  drop_if_empty();
}

// --- The end of a transaction

namespace {

void apply_item(const SettingsItem& item, const SettingMap& startup, SettingMap& desired,
                SettingMap& applied) {
  if (item.name == seed_setting) return;
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
  // Then the role that the client brought is no longer in force.
  if (by_authorization && item.kind == Kind::set && startup.contains(role_setting))
    desired.insert_or_assign(std::string(role_setting), "none");
}

}  // namespace

bool is_in_force(const SettingsStep& step, const SettingMap& settings) {
  return std::all_of(step.begin(), step.end(), [&settings](const SettingsItem& item) {
    if (item.kind != Kind::set || is_identity(item.name)) return false;
    const auto has = settings.find(item.name);
    return has != settings.end() && has->second == item.value;
  });
}

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
