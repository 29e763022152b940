#include "proxy/state/schema_tags.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("tags of commands that may change functions") {
  for (const char* tag : {"CREATE FUNCTION", "ALTER FUNCTION", "DROP FUNCTION", "CREATE PROCEDURE",
                          "ALTER ROUTINE", "DROP ROUTINE", "CREATE AGGREGATE", "CREATE EXTENSION",
                          "ALTER EXTENSION", "DROP SCHEMA", "DROP OWNED", "DO", "CREATE EVENT TRIGGER",
                          "CREATE OPERATOR CLASS", "CREATE TRIGGER", "DROP TRIGGER", "ALTER TABLE"}) {
    INFO(tag);
    CHECK(changes_functions(tag));
  }
  for (const char* tag : {"", "SELECT 1", "CREATE TABLE", "CREATE", "CREATE FUNCTIONS", "DROP TABLE", "CALL",
                          "INSERT 0 1", "DOES"}) {
    INFO(tag);
    CHECK_FALSE(changes_functions(tag));
  }
}

TEST_CASE("tags of commands that may change what a text means, and what a role may use") {
  for (const char* tag :
       {"CREATE TABLE", "ALTER ROLE", "DROP VIEW", "IMPORT FOREIGN SCHEMA", "COMMIT PREPARED", "GRANT ROLE",
        "REVOKE ROLE", "GRANT", "REVOKE", "REASSIGN OWNED"}) {
    INFO(tag);
    CHECK(changes_schema(tag));
  }
  for (const char* tag : {"", "SELECT 1", "COMMIT", "RESET", "INSERT 0 1", "DELETE 1"}) {
    INFO(tag);
    CHECK_FALSE(changes_schema(tag));
  }
}
