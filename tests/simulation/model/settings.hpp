// A session's settings with the scopes of SET, SET LOCAL and savepoints: guc.c's stack of old values.
//
//   change at nest level n    the first one of a level remembers what was there (prior), and whether it was
//                             SET, SET LOCAL, or SET and then SET LOCAL (masked is what SET gave)
//   end of level n            rolled back: prior is restored. Committed at level 1: a SET stays, a SET LOCAL
//                             goes. Committed at a higher one: the entry becomes, or joins, that of n - 1.
//
// Level 0 is outside of every transaction (at login), 1 a transaction, 2 the first savepoint, and so on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/model/setting_definition.hpp"
#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {

enum class SettingSource { boot, role, client, session };

// role and session_authorization act on who the session is.
class IdentityHooks {
 public:
  virtual ~IdentityHooks() = default;
  // Throws where the session may not become that.
  virtual void check(std::string_view name, const std::string& value) = 0;
  virtual void assign(std::string_view name, const std::string& value) = 0;
  virtual bool is_superuser() const = 0;
};

class Settings {
 public:
  // `version`: the server's major one.
  Settings(IdentityHooks& identity, int version);

  // --- At login. What is set here is also what RESET goes back to.
  void set_default(const std::string& name, const std::string& value, SettingSource source);

  // The server's own default has changed: for sessions that have no other value.
  void change_boot(const std::string& name, const std::string& value);

  // --- Afterwards. `value` null: as at login.
  void set(const std::string& name, const std::optional<std::string>& value, bool local, int level);
  void reset_all(int level);
  void end_level(int level, bool commit);

  // As SHOW spells it; nullopt: there is no such setting.
  std::optional<std::string> shown(std::string_view name) const;
  // The name as it is spelled in pg_settings.
  std::string spelled(std::string_view name) const;
  // The canonical value of a setting that exists.
  const std::string& value(std::string_view name) const;
  const std::string& value_at_login(std::string_view name) const;
  std::chrono::milliseconds duration(std::string_view name) const;

  struct Listed {
    std::string name;
    std::string value;
  };
  // What pg_settings lists with the source "session", in its order.
  std::vector<Listed> of_session() const;
  // Settings of this session that differ from its login, custom ones included; those that are empty and were
  // never there at login are left out.
  std::map<std::string, std::string> changed() const;

  // For SET: several values where the setting takes a list.
  std::string joined(const std::string& name, const std::vector<std::string>& values) const;

 private:
  struct Current {
    std::string value;
    SettingSource source = SettingSource::boot;
  };
  enum class Scope { set, local, set_then_local };
  struct Saved {
    int level;
    Scope scope;
    Current prior;
    Current masked;
  };
  struct Entry {
    SettingDefinition definition;
    std::string custom_name;  // owns the name of a custom setting
    Current current;
    Current at_login;
    std::vector<Saved> saved;
    std::string_view name() const { return custom_name.empty() ? definition.name : custom_name; }
  };

  Entry* find(std::string_view name);
  const Entry* find(std::string_view name) const;
  Entry& find_or_make(const std::string& name);
  std::string checked(const Entry& entry, const std::string& given, const std::string& value);
  void remember(Entry& entry, bool local, int level);
  void assign(Entry& entry, Current value);
  void end_entry(Entry& entry, int level, bool commit);

  IdentityHooks& identity_;
  int version_;
  std::map<std::string, Entry> entries_;  // by the name in lower case
};

}  // namespace pgweir::simulation
