#include "tests/simulation/model/setting_commands.hpp"

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

using Kind = SetCommand::Kind;

// The settings of a transaction live in it.
bool SettingCommands::set_transaction(const std::string& name, const Value& value) {
  const std::string lower = ascii_lower(name);
  if (lower == "transaction_isolation" && value) {
    TransactionControl(s_).set_modes({{lower, ascii_lower(*value)}});
    return true;
  }
  if ((lower == "transaction_read_only" || lower == "transaction_deferrable") && value) {
    TransactionControl(s_).set_modes({{lower, read_value(type::boolean, *value) == "t" ? "on" : "off"}});
    return true;
  }
  return false;
}

std::string SettingCommands::run(const SetCommand& command) {
  TransactionControl control(s_);
  if (command.local) control.warn_without_block("SET LOCAL");
  const int level = s_.transaction.level();
  switch (command.kind) {
    case Kind::reset_all:
      s_.settings.reset_all(level);
      return "RESET";
    case Kind::reset:
    case Kind::set_default:
      s_.settings.set(command.name, std::nullopt, command.local, level);
      return command.kind == Kind::reset ? "RESET" : "SET";
    case Kind::set:
      break;
  }
  const std::string value = s_.settings.joined(command.name, command.values);
  if (!set_transaction(command.name, value)) s_.settings.set(command.name, value, command.local, level);
  return "SET";
}

std::string SettingCommands::run(const SetTransaction& command) {
  if (!command.for_session) {
    TransactionControl control(s_);
    control.warn_without_block("SET TRANSACTION");
    control.set_modes(command.modes);
    return "SET";
  }
  for (const TransactionMode& mode : command.modes)
    s_.settings.set("default_" + mode.setting, mode.value, false, s_.transaction.level());
  return "SET";
}

std::string SettingCommands::run(const AlterDefaults& command) {
  const bool of_role = command.database.empty() || !command.role.empty();
  const std::string tag = of_role ? "ALTER ROLE" : "ALTER DATABASE";
  TransactionControl(s_).require_writable(tag);
  if (!command.role.empty() && s_.cluster.find_role(command.role) == nullptr)
    fail("42704", "role \"" + command.role + "\" does not exist");
  if (!command.database.empty() && s_.cluster.find_catalog(command.database) == nullptr)
    fail("3D000", "database \"" + command.database + "\" does not exist");
  const SetCommand& change = command.change;
  if (change.kind == Kind::reset_all) {
    s_.cluster.forget_defaults(command.role, command.database);
  } else {
    std::optional<std::string> value;
    if (change.kind == Kind::set) value = s_.settings.joined(change.name, change.values);
    s_.cluster.alter_default(command.role, command.database, change.name, value);
  }
  return tag;
}

void SettingCommands::set_config(const std::string& name, const Value& value, bool local) {
  if (set_transaction(name, value)) return;
  s_.settings.set(name, value, local, s_.transaction.level());
}

std::optional<std::string> SettingCommands::shown(const std::string& name) const {
  const std::string lower = ascii_lower(name);
  const auto on = [](bool is_on) { return std::string(is_on ? "on" : "off"); };
  if (lower == "transaction_isolation") return s_.transaction.isolation;
  if (lower == "transaction_read_only") return on(s_.transaction.read_only);
  if (lower == "transaction_deferrable") return on(s_.transaction.deferrable);
  if (lower == "is_superuser") return on(s_.identity.is_superuser());
  if (lower == "in_hot_standby") return on(s_.cluster.in_recovery);
  if (lower == "server_version") return s_.cluster.version();
  if (lower == "server_version_num") return std::to_string(s_.cluster.version_number());
  return s_.settings.shown(name);
}

std::string SettingCommands::spelled(const std::string& name) const {
  return s_.settings.shown(name) ? s_.settings.spelled(name) : ascii_lower(name);
}

void SettingCommands::discard_all() {
  const int level = s_.transaction.level();
  s_.settings.set("session_authorization", std::nullopt, false, level);
  s_.settings.reset_all(level);
}

std::vector<std::pair<std::string, std::string>> SettingCommands::reported() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const SettingDefinition& setting : setting_definitions()) {
    if (setting.reported_since == 0 || s_.cluster.major() < setting.reported_since) continue;
    all.emplace_back(setting.name, shown(std::string(setting.name)).value_or(""));
  }
  return all;
}

}  // namespace pgweir::simulation
