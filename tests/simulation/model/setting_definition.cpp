#include "tests/simulation/model/setting_definition.hpp"

namespace pgweir::simulation {
namespace {

using Kind = SettingDefinition::Kind;
using Unit = SettingDefinition::Unit;
using Who = SettingDefinition::Who;

constexpr int always = 1;

SettingDefinition flag(std::string_view name, std::string_view boot) {
  return {.name = name, .kind = Kind::boolean, .boot = boot};
}

SettingDefinition number(std::string_view name, std::string_view boot, Unit unit, double min, double max) {
  return {.name = name, .kind = Kind::integer, .boot = boot, .unit = unit, .min = min, .max = max};
}

SettingDefinition real(std::string_view name, std::string_view boot, double max) {
  return {.name = name, .kind = Kind::real, .boot = boot, .min = 0, .max = max};
}

SettingDefinition choice(std::string_view name, std::string_view boot, std::string_view choices,
                         Who who = Who::anyone) {
  return {.name = name, .kind = Kind::choice, .boot = boot, .choices = choices, .who = who};
}

SettingDefinition internal(std::string_view name, std::string_view boot) {
  return {.name = name, .boot = boot, .reported_since = always, .who = Who::internal};
}

SettingDefinition reported(SettingDefinition setting, int since = always) {
  setting.reported_since = since;
  return setting;
}

SettingDefinition from_version(int since, SettingDefinition setting) {
  setting.since = since;
  return setting;
}

SettingDefinition hidden(SettingDefinition setting) {
  setting.hidden = true;
  return setting;
}

constexpr double int_max = 2147483647;

std::vector<SettingDefinition> make_definitions() {
  constexpr std::string_view isolation = "serializable,repeatable read,read committed,read uncommitted";
  return {
      reported({.name = "application_name"}),
      flag("array_nulls", "on"),
      choice("bytea_output", "hex", "escape,hex"),
      flag("check_function_bodies", "on"),
      reported({.name = "client_encoding", .boot = "UTF8"}),
      choice("client_min_messages", "notice", "debug5,debug4,debug3,debug2,debug1,log,notice,warning,error"),
      real("cursor_tuple_fraction", "0.1", 1),
      reported({.name = "DateStyle", .boot = "ISO, MDY", .is_list = true}),
      number("default_statistics_target", "100", Unit::none, 1, 10000),
      flag("default_transaction_deferrable", "off"),
      choice("default_transaction_isolation", "read committed", isolation),
      reported(flag("default_transaction_read_only", "off")),
      number("effective_cache_size", "524288", Unit::blocks, 1, int_max),
      flag("enable_hashjoin", "on"),
      flag("enable_seqscan", "on"),
      flag("escape_string_warning", "on"),
      number("extra_float_digits", "1", Unit::none, -15, 3),
      number("from_collapse_limit", "8", Unit::none, 1, int_max),
      flag("geqo", "on"),
      number("idle_in_transaction_session_timeout", "0", Unit::ms, 0, int_max),
      number("idle_session_timeout", "0", Unit::ms, 0, int_max),
      internal("in_hot_standby", "off"),
      internal("integer_datetimes", "on"),
      reported(choice("IntervalStyle", "postgres", "postgres,postgres_verbose,sql_standard,iso_8601")),
      internal("is_superuser", "off"),
      flag("jit", "on"),
      number("join_collapse_limit", "8", Unit::none, 1, int_max),
      number("lock_timeout", "0", Unit::ms, 0, int_max),
      choice("log_statement", "none", "none,ddl,mod,all", Who::superuser),
      number("maintenance_work_mem", "65536", Unit::kb, 1024, int_max),
      {.name = "max_connections", .kind = Kind::integer, .boot = "100", .who = Who::postmaster},
      choice("plan_cache_mode", "auto", "auto,force_generic_plan,force_custom_plan"),
      flag("quote_all_identifiers", "off"),
      real("random_page_cost", "4", 1.79769e308),
      hidden({.name = "role", .boot = "none"}),
      flag("row_security", "on"),
      from_version(16, reported(number("scram_iterations", "4096", Unit::none, 1, int_max), 16)),
      reported({.name = "search_path", .boot = "\"$user\", public", .is_list = true, .quotes_list = true},
               18),
      real("seq_page_cost", "1", 1.79769e308),
      internal("server_encoding", "UTF8"),
      internal("server_version", ""),
      {.name = "server_version_num", .kind = Kind::integer, .who = Who::internal},
      hidden(reported({.name = "session_authorization"})),
      reported(flag("standard_conforming_strings", "on")),
      number("statement_timeout", "0", Unit::ms, 0, int_max),
      choice("synchronous_commit", "on", "local,remote_write,remote_apply,on,off"),
      reported({.name = "TimeZone", .boot = "Etc/UTC"}),
      flag("transform_null_equals", "off"),
      number("work_mem", "4096", Unit::kb, 64, int_max),
  };
}

}  // namespace

std::span<const SettingDefinition> setting_definitions() {
  static const std::vector<SettingDefinition> definitions = make_definitions();
  return definitions;
}

}  // namespace pgweir::simulation
