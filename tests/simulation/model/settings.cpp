#include "tests/simulation/model/settings.hpp"

#include <algorithm>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir::simulation {
namespace {

bool is_identity(std::string_view name) {
  return name == "role" || name == "session_authorization";
}

// valid_custom_variable_name().
bool is_custom_name(std::string_view name) {
  bool dotted = false;
  bool begins = true;
  for (const char c : name) {
    if (c == '.') {
      if (begins) return false;
      dotted = begins = true;
    } else if (begins) {
      if (!is_word_start(c)) return false;
      begins = false;
    } else if (!is_word_part(c)) {
      return false;
    }
  }
  return dotted && !begins;
}

std::string quoted_if_needed(const std::string& name) {
  const bool plain =
      !name.empty() &&
      std::all_of(name.begin(), name.end(),
                  [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }) &&
      !(name[0] >= '0' && name[0] <= '9') && name != "user" && name != "select" && name != "table";
  if (plain) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace

Settings::Settings(IdentityHooks& identity, int version) : identity_(identity), version_(version) {
  for (const SettingDefinition& definition : setting_definitions()) {
    if (version < definition.since) continue;
    const Current boot{std::string(definition.boot), SettingSource::boot};
    entries_.emplace(ascii_lower(definition.name), Entry{definition, {}, boot, boot, {}});
  }
}

Settings::Entry* Settings::find(std::string_view name) {
  const auto found = entries_.find(ascii_lower(name));
  return found == entries_.end() ? nullptr : &found->second;
}

const Settings::Entry* Settings::find(std::string_view name) const {
  const auto found = entries_.find(ascii_lower(name));
  return found == entries_.end() ? nullptr : &found->second;
}

// A name with a dot that nobody knows becomes a custom setting by being used.
Settings::Entry& Settings::find_or_make(const std::string& name) {
  if (Entry* const entry = find(name)) return *entry;
  if (name.find('.') == std::string::npos) {
    fail("42704", "unrecognized configuration parameter \"" + name + '"');
  }
  if (!is_custom_name(name)) {
    throw SqlError{
        .code = "42602",
        .message = "invalid configuration parameter name \"" + name + '"',
        .detail = "Custom parameter names must be two or more simple identifiers separated by dots."};
  }
  Entry entry;
  entry.custom_name = name;
  entry.definition.hidden = true;
  return entries_.emplace(ascii_lower(name), std::move(entry)).first->second;
}

std::string Settings::checked(const Entry& entry, const std::string& given, const std::string& value) {
  using Who = SettingDefinition::Who;
  const SettingDefinition& definition = entry.definition;
  if (!entry.custom_name.empty()) return value;
  const std::string name = version_ >= 18 ? std::string(definition.name) : given;
  if (definition.who == Who::internal) fail("55P02", "parameter \"" + name + "\" cannot be changed");
  if (definition.who == Who::postmaster)
    fail("55P02", "parameter \"" + name + "\" cannot be changed without restarting the server");
  if (definition.who == Who::superuser && !identity_.is_superuser())
    fail("42501", "permission denied to set parameter \"" + name + '"');
  if (is_identity(definition.name)) identity_.check(definition.name, value);
  if (definition.name == "DateStyle") return canonical_date_style(value, entry.current.value);
  return canonical_setting(definition, name, value, version_);
}

void Settings::set_default(const std::string& name, const std::string& value, SettingSource source) {
  Entry& entry = find_or_make(name);
  assign(entry, {checked(entry, name, value), source});
  entry.at_login = entry.current;
}

void Settings::change_boot(const std::string& name, const std::string& value) {
  Entry& entry = find_or_make(name);
  if (entry.at_login.source == SettingSource::boot) entry.at_login.value = value;
  if (entry.current.source == SettingSource::boot) entry.current.value = value;
  for (Saved& saved : entry.saved) {
    for (Current* const each : {&saved.prior, &saved.masked})
      if (each->source == SettingSource::boot) each->value = value;
  }
}

void Settings::set(const std::string& name, const std::optional<std::string>& value, bool local, int level) {
  Entry& entry = find_or_make(name);
  Current next = entry.at_login;
  if (value) {
    next = {checked(entry, name, *value), SettingSource::session};
  } else if (entry.definition.who != SettingDefinition::Who::anyone) {
    static_cast<void>(checked(entry, name, entry.at_login.value));
  }
  if (entry.definition.name == "session_authorization") {
    set("role", value ? std::optional<std::string>("none") : std::nullopt, local, level);
  }
  remember(entry, local, level);
  assign(entry, std::move(next));
}

void Settings::reset_all(int level) {
  for (auto& [name, entry] : entries_) {
    const bool skipped = is_identity(name) || entry.current.source != SettingSource::session;
    if (skipped) continue;
    remember(entry, false, level);
    assign(entry, entry.at_login);
  }
}

void Settings::assign(Entry& entry, Current value) {
  entry.current = std::move(value);
  if (is_identity(entry.definition.name)) identity_.assign(entry.definition.name, entry.current.value);
}

// push_old_value()
void Settings::remember(Entry& entry, bool local, int level) {
  if (level == 0) return;
  if (entry.saved.empty() || entry.saved.back().level < level) {
    entry.saved.push_back({level, local ? Scope::local : Scope::set, entry.current, {}});
    return;
  }
  Saved& top = entry.saved.back();
  if (!local) {
    top.scope = Scope::set;
  } else if (top.scope == Scope::set) {
    top.masked = entry.current;
    top.scope = Scope::set_then_local;
  }
}

void Settings::end_level(int level, bool commit) {
  for (auto& [name, entry] : entries_) end_entry(entry, level, commit);
}

// AtEOXact_GUC()
void Settings::end_entry(Entry& entry, int level, bool commit) {
  while (!entry.saved.empty() && entry.saved.back().level >= level) {
    Saved& top = entry.saved.back();
    Saved* const below = entry.saved.size() > 1 ? &entry.saved[entry.saved.size() - 2] : nullptr;
    std::optional<Current> restored;
    if (!commit) {
      restored = top.prior;
    } else if (top.level == 1) {
      if (top.scope == Scope::local) restored = top.prior;
      if (top.scope == Scope::set_then_local) restored = top.masked;
    } else if (below == nullptr || below->level < top.level - 1) {
      --top.level;
      continue;
    } else if (top.scope == Scope::set) {
      below->scope = Scope::set;
    } else if (top.scope == Scope::local) {
      if (below->scope == Scope::set) {
        below->masked = top.prior;
        below->scope = Scope::set_then_local;
      }
    } else {
      below->masked = top.masked;
      below->scope = Scope::set_then_local;
    }
    entry.saved.pop_back();
    if (restored) assign(entry, *restored);
  }
}

std::optional<std::string> Settings::shown(std::string_view name) const {
  const Entry* const entry = find(name);
  if (entry == nullptr) return std::nullopt;
  return shown_setting(entry->definition, entry->current.value);
}

std::string Settings::spelled(std::string_view name) const {
  return std::string(find(name)->name());
}

const std::string& Settings::value(std::string_view name) const {
  return find(name)->current.value;
}

const std::string& Settings::value_at_login(std::string_view name) const {
  return find(name)->at_login.value;
}

std::chrono::milliseconds Settings::duration(std::string_view name) const {
  return std::chrono::milliseconds(std::stol(value(name)));
}

std::vector<Settings::Listed> Settings::of_session() const {
  std::vector<Listed> listed;
  for (const auto& [name, entry] : entries_) {
    if (entry.definition.hidden || entry.current.source != SettingSource::session) continue;
    listed.push_back({std::string(entry.name()), entry.current.value});
  }
  return listed;
}

std::map<std::string, std::string> Settings::changed() const {
  std::map<std::string, std::string> changed;
  for (const auto& [name, entry] : entries_) {
    if (is_identity(name) || entry.current.value == entry.at_login.value) continue;
    changed.emplace(name, entry.current.value);
  }
  return changed;
}

std::string Settings::joined(const std::string& name, const std::vector<std::string>& values) const {
  const Entry* const entry = find(name);
  const bool is_list = entry != nullptr && entry->definition.is_list;
  if (!is_list && values.size() != 1) fail("22023", "SET " + name + " takes only one argument");
  const bool quotes = entry != nullptr && entry->definition.quotes_list;
  std::string joined;
  for (const std::string& value : values) {
    joined += (joined.empty() ? "" : ", ") + (quotes ? quoted_if_needed(value) : value);
  }
  return joined;
}

}  // namespace pgweir::simulation
