#include "proxy/code/c_libraries.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "proxy/code/name_rules.hpp"

namespace pgweir {
namespace {

using enum Habit;

constexpr std::array<NameRule, 1> rules_of_aws_s3{{{"*", runs_text}}};
// Its triggers lie on its own catalogues, but a write is judged by all triggers of the database.
constexpr std::array<NameRule, 8> rules_of_citus{{
    {"citus_conninfo_cache_invalidate", leaves_nothing},
    {"citus_dist_*", leaves_nothing},
    {"citus_truncate_trigger", leaves_nothing},
    {"master_conninfo_cache_invalidate", leaves_nothing},
    {"master_dist_*", leaves_nothing},
    {"pg_dist_*", leaves_nothing},
    {"task_tracker_conninfo_cache_invalidate", leaves_nothing},
    {"*", is_not_reviewed},
}};
constexpr std::array<NameRule, 1> rules_of_dblink{{{"dblink_connect*", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_hll{{{"hll_set_*", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_http{{{"http_set_curlopt", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_hypopg{{{"hypopg*", keeps_hidden_state}}};
constexpr std::array<NameRule, 2> rules_of_isn{{
    {"accept_weak_input", keeps_hidden_state},
    {"isn_weak", keeps_hidden_state},
}};
constexpr std::array<NameRule, 1> rules_of_log_fdw{{{"create_foreign_table_for_log_file", runs_text}}};
constexpr std::array<NameRule, 1> rules_of_oracle_fdw{{{"oracle_execute", keeps_hidden_state}}};
constexpr std::array<NameRule, 15> rules_of_orafce{{
    {"dbms_alert_*", keeps_hidden_state},
    {"dbms_output_*", keeps_hidden_state},
    {"dbms_pipe_*", keeps_hidden_state},
    {"dbms_random_*", keeps_hidden_state},
    {"dbms_sql_execute*", runs_text},
    {"dbms_sql_*", keeps_hidden_state},
    {"ora_set_nls_sort", keeps_hidden_state},
    {"plvdate_default_holidays", keeps_hidden_state},
    {"plvdate_include_start", keeps_hidden_state},
    {"plvdate_set_*", keeps_hidden_state},
    {"plvdate_unset_*", keeps_hidden_state},
    {"plvdate_use_*", keeps_hidden_state},
    {"plvsubst_setsubst*", keeps_hidden_state},
    {"set_nls_sort", keeps_hidden_state},
    {"utl_file_fopen", keeps_hidden_state},
}};
constexpr std::array<NameRule, 5> rules_of_pg_repack{{
    {"repack_apply", runs_text},
    {"repack_disable_autovacuum", runs_text},
    {"repack_drop", runs_text},
    {"repack_index_swap", runs_text},
    {"repack_swap", runs_text},
}};
constexpr std::array<NameRule, 3> rules_of_pg_tle{{
    {"pg_tle_create_*", runs_text},
    {"pg_tle_install_*", runs_text},
    {"pg_tle_set_*", runs_text},
}};
constexpr std::array<NameRule, 1> rules_of_pg_trgm{{{"set_limit", changes_threshold}}};
constexpr std::array<NameRule, 1> rules_of_pg_variables{{{"*", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_pglogical{{{"pglogical_replicate_ddl_command", runs_text}}};
constexpr std::array<NameRule, 1> rules_of_pgrouting{{{"*", runs_text}}};
constexpr std::array<NameRule, 1> rules_of_pgxml{{{"xpath_table", runs_text}}};
constexpr std::array<NameRule, 1> rules_of_pldebugger{{{"*", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_plprofiler{{{"*", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_postgis{{{"pgis_tablefromflatgeobuf", runs_text}}};
// An expression, or a function that they are told by its oid.
constexpr std::array<NameRule, 6> rules_of_postgis_raster{{
    {"RASTER_histogramCoverage", runs_text},
    {"RASTER_mapAlgebra*", runs_text},
    {"RASTER_nMapAlgebra*", runs_text},
    {"RASTER_quantileCoverage", runs_text},
    {"RASTER_summaryStatsCoverage", runs_text},
    {"RASTER_valueCountCoverage", runs_text},
}};
constexpr std::array<NameRule, 1> rules_of_sepgsql{{{"sepgsql_setcon", keeps_hidden_state}}};
// The role that it changes to is not the setting "role".
constexpr std::array<NameRule, 4> rules_of_set_user{{
    {"reset_user", keeps_hidden_state},
    {"set_session_auth", keeps_hidden_state},
    {"set_user", keeps_hidden_state},
    {"set_user_u", keeps_hidden_state},
}};
constexpr std::array<NameRule, 2> rules_of_tablefunc{{
    {"connectby*", runs_text},
    {"crosstab*", runs_text},
}};
constexpr std::array<NameRule, 1> rules_of_temporal_tables{{{"set_system_time", keeps_hidden_state}}};
constexpr std::array<NameRule, 1> rules_of_timescaledb{{{"ts_job_run", runs_text}}};

struct Library {
  std::string_view name;
  std::span<const NameRule> rules{};  // all that none of them fits leaves nothing
};

constexpr auto libraries = std::to_array<Library>({
    {"_int"},
    {"address_standardizer"},
    {"adminpack"},
    {"amcheck"},
    {"autoinc"},
    {"aws_commons"},
    {"aws_lambda"},
    {"aws_s3", rules_of_aws_s3},
    {"bloom"},
    {"bool_plperl"},
    {"btree_gin"},
    {"btree_gist"},
    {"citext"},
    {"citus", rules_of_citus},
    {"cube"},
    {"dblink", rules_of_dblink},
    {"dict_int"},
    {"dict_xsyn"},
    {"earthdistance"},
    {"file_fdw"},
    {"fuzzystrmatch"},
    {"h3"},
    {"h3_postgis"},
    {"hll", rules_of_hll},
    {"hstore"},
    {"hstore_plperl"},
    {"hstore_plpython2"},
    {"hstore_plpython3"},
    {"http", rules_of_http},
    {"hypopg", rules_of_hypopg},
    {"insert_username"},
    {"ip4r"},
    {"isn", rules_of_isn},
    {"jsonb_plperl"},
    {"jsonb_plpython2"},
    {"jsonb_plpython3"},
    {"libpgrouting", rules_of_pgrouting},
    {"lo"},
    {"log_fdw", rules_of_log_fdw},
    {"ltree"},
    {"ltree_plpython2"},
    {"ltree_plpython3"},
    {"moddatetime"},
    {"mysql_fdw"},
    {"old_snapshot"},
    {"oracle_fdw", rules_of_oracle_fdw},
    {"orafce", rules_of_orafce},
    {"pageinspect"},
    {"pg_bigm"},
    {"pg_buffercache"},
    {"pg_cron"},
    {"pg_freespacemap"},
    {"pg_hint_plan"},
    {"pg_logicalinspect"},
    {"pg_partman_bgw"},
    {"pg_prewarm"},
    {"pg_proctab"},
    {"pg_qualstats"},
    {"pg_repack", rules_of_pg_repack},
    {"pg_similarity"},
    {"pg_stat_kcache"},
    {"pg_stat_monitor"},
    {"pg_stat_statements"},
    {"pg_surgery"},
    {"pg_tle", rules_of_pg_tle},
    {"pg_trgm", rules_of_pg_trgm},
    {"pg_uuidv7"},
    {"pg_variables", rules_of_pg_variables},
    {"pg_visibility"},
    {"pg_wait_sampling"},
    {"pg_walinspect"},
    {"pgaudit"},
    {"pgcrypto"},
    {"pglogical", rules_of_pglogical},
    {"pgq_lowlevel"},
    {"pgq_triggers"},
    {"pgrowlocks"},
    {"pgstattuple"},
    {"pgxml", rules_of_pgxml},
    {"pldbgapi", rules_of_pldebugger},
    {"plperl"},
    {"plpgsql"},
    {"plprofiler", rules_of_plprofiler},
    {"plpython2"},
    {"plpython3"},
    {"pltcl"},
    {"plugin_debugger", rules_of_pldebugger},
    {"plv8"},
    {"postgis", rules_of_postgis},
    {"postgis_raster", rules_of_postgis_raster},
    {"postgis_sfcgal"},
    {"postgis_topology"},
    {"postgres_fdw"},
    {"prefix"},
    {"rds_tools"},
    {"refint"},
    {"roaringbitmap"},
    {"rum"},
    {"seg"},
    {"semver"},
    {"sepgsql", rules_of_sepgsql},
    {"set_user", rules_of_set_user},
    {"sslinfo"},
    {"tablefunc", rules_of_tablefunc},
    {"tcn"},
    {"tds_fdw"},
    {"temporal_tables", rules_of_temporal_tables},
    {"timescaledb", rules_of_timescaledb},
    {"timescaledb-tsl"},
    {"tsm_system_rows"},
    {"tsm_system_time"},
    {"unaccent"},
    {"uuid-ossp"},
    {"vector"},
});

const NameRule* rule_of(const Library& library, std::string_view symbol, std::string_view name) {
  const NameRule* const rule = find_rule(library.rules, symbol);
  return rule != nullptr && rule->name != "*" ? rule : find_rule(library.rules, name);
}

void add_rule(FunctionEffects& effects, const NameRule* rule) {
  if (rule != nullptr) add_habit(effects, rule->habit);
}

}  // namespace

// The server adds the suffix, and looks for a name without a directory where dynamic_library_path says, which only a
// superuser can set.
std::string_view library_of(std::string_view probin) {
  constexpr std::string_view own_directory = "$libdir/";
  constexpr std::string_view suffix = ".so";
  if (probin.starts_with(own_directory)) probin.remove_prefix(own_directory.size());
  if (probin.find_first_of("/\\") != std::string_view::npos) return {};
  if (probin.ends_with(suffix)) probin.remove_suffix(suffix.size());
  const std::size_t version = probin.find_last_not_of("0123456789.");
  const bool has_version =
      version != std::string_view::npos && version + 1 < probin.size() && probin[version] == '-';
  return has_version ? probin.substr(0, version) : probin;
}

FunctionEffects effects_in_library(std::string_view probin, std::string_view symbol, std::string_view name) {
  FunctionEffects effects;
  const std::string_view wanted = library_of(probin);
  const auto* const found = std::find_if(libraries.begin(), libraries.end(),
                                         [&](const Library& library) { return library.name == wanted; });
  if (found != libraries.end()) {
    add_rule(effects, rule_of(*found, symbol, name));
    return effects;
  }
  // A known one under another name, perhaps.
  for (const Library& library : libraries) {
    const NameRule* const rule = rule_of(library, symbol, name);
    if (rule != nullptr && rule->name != "*") add_rule(effects, rule);
  }
  effects.add(CodeKnowledge::unreviewed);
  return effects;
}

}  // namespace pgweir
