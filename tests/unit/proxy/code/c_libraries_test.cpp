#include "proxy/code/c_libraries.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace pgweir;

namespace {

FunctionVerdict verdict(const char* library, const char* symbol, const char* name = "f") {
  return effects_in_library(library, symbol, name).verdict;
}

}  // namespace

TEST_CASE("a library is known by its name, without directory, suffix and version") {
  for (const auto& [probin, library] : std::initializer_list<std::pair<const char*, const char*>>{
           {"$libdir/pg_trgm", "pg_trgm"},
           {"pg_trgm", "pg_trgm"},
           {"$libdir/pg_trgm.so", "pg_trgm"},
           {"$libdir/postgis-3", "postgis"},
           {"$libdir/postgis_raster-3.4", "postgis_raster"},
           {"$libdir/timescaledb-tsl-2.15.0", "timescaledb-tsl"},
           {"$libdir/plpython3", "plpython3"},
           {"$libdir/uuid-ossp", "uuid-ossp"},
           {"$libdir/h3", "h3"},
           {"$libdir/-3", ""},
           {"3", "3"},
           {"", ""},
           {"$libdir/", ""},
       }) {
    INFO(probin);
    CHECK(library_of(probin) == library);
  }
}

TEST_CASE("a library from elsewhere is not known by its name") {
  for (const char* const probin :
       {"/usr/lib/postgresql/15/lib/pg_trgm.so", "/tmp/pg_trgm", "$libdir/plugins/pg_trgm", "./pg_trgm",
        "..\\pg_trgm", "$libdir", "Pg_trgm", "$libdir/pg_trgm__not_ascii__"}) {
    INFO(probin);
    CHECK(effects_in_library(probin, "similarity", "f").knowledge == CodeKnowledge::unreviewed);
  }
}

TEST_CASE("of a known library only what leaves something does") {
  struct {
    const char* library;
    const char* symbol;
    FunctionVerdict expected;
  } const cases[] = {
      {"$libdir/aws_s3", "anything", FunctionVerdict::suspicious},
      {"$libdir/citus", "citus_dist_shard_cache_invalidate", FunctionVerdict::harmless},
      {"$libdir/dblink", "dblink_record", FunctionVerdict::harmless},
      {"$libdir/hll", "hll_add", FunctionVerdict::harmless},
      {"$libdir/hll", "hll_set_max_sparse", FunctionVerdict::lasting},
      {"$libdir/isn", "ean13_in", FunctionVerdict::harmless},
      {"$libdir/isn", "accept_weak_input", FunctionVerdict::lasting},
      {"$libdir/lo", "lo_manage", FunctionVerdict::harmless},
      {"$libdir/orafce", "dbms_sql_execute", FunctionVerdict::suspicious},
      {"$libdir/orafce", "dbms_sql_open_cursor", FunctionVerdict::lasting},
      {"$libdir/orafce", "ora_nvl", FunctionVerdict::harmless},
      {"$libdir/orafce", "plvdate_isbizday", FunctionVerdict::harmless},
      {"$libdir/orafce", "plvdate_set_nonbizday_dow", FunctionVerdict::lasting},
      {"$libdir/pg_repack", "repack_trigger", FunctionVerdict::harmless},
      {"$libdir/pgxml", "xpath_table", FunctionVerdict::suspicious},
      {"$libdir/postgis-3", "ST_Intersects", FunctionVerdict::harmless},
      {"$libdir/postgis_raster-3", "RASTER_nMapAlgebraExpr", FunctionVerdict::suspicious},
      {"$libdir/refint", "check_primary_key", FunctionVerdict::harmless},
      {"$libdir/sepgsql", "sepgsql_setcon", FunctionVerdict::lasting},
      {"$libdir/tablefunc", "normal_rand", FunctionVerdict::harmless},
      {"$libdir/timescaledb-2.15.0", "ts_job_run", FunctionVerdict::suspicious},
      {"$libdir/vector", "l2_distance", FunctionVerdict::harmless},
  };
  for (const auto& c : cases) {
    INFO(c.library << " " << c.symbol);
    CHECK(verdict(c.library, c.symbol) == c.expected);
  }
}

TEST_CASE("a function is what its symbol says, and its name where that says nothing") {
  CHECK(verdict("$libdir/isn", "weak_input_status", "isn_weak") == FunctionVerdict::lasting);
  CHECK(verdict("$libdir/isn", "accept_weak_input", "be_weak") == FunctionVerdict::lasting);
  CHECK(verdict("$libdir/citus", "renamed", "citus_truncate_trigger") == FunctionVerdict::harmless);
}

TEST_CASE("what is left of a library that was read in part is not known") {
  const FunctionEffects effects = effects_in_library("$libdir/citus", "citus_add_node", "f");
  CHECK(effects.knowledge == CodeKnowledge::unreviewed);
  CHECK_FALSE(effects.is_free());
}

TEST_CASE("what leaves something in a known library is known in an unknown one, too") {
  CHECK(verdict("/tmp/copy", "accept_weak_input") == FunctionVerdict::lasting);
  const FunctionEffects threshold = effects_in_library("/tmp/copy", "set_limit", "f");
  CHECK(threshold.knowledge == CodeKnowledge::unreviewed);
  CHECK(threshold.settings == std::vector<std::string>{"pg_trgm.similarity_threshold"});
  CHECK(effects_in_library("/tmp/copy", "crosstab", "f").all_named == false);
  // Rules for all functions of a library say nothing about others.
  CHECK(effects_in_library("/tmp/copy", "g", "f").all_named);
}
