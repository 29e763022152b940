#include "proxy/code/function_source.hpp"

#include <algorithm>
#include <array>

#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// The most characters of a body that are sent, in a row that is read whole; triggers and helpers have some thousand.
constexpr std::string_view body_size_max = "250000";
// FirstNormalObjectId: initdb made all objects with a smaller OID.
constexpr std::string_view first_own_oid = "'16384'::pg_catalog.oid";

std::string equals(std::string_view left, std::string_view right) {
  return std::string(left) + " OPERATOR(pg_catalog.=) " + std::string(right);
}

// The code as text. An SQL-standard body (BEGIN ATOMIC, RETURN) leaves prosrc empty: prosqlbody does not
// exist before PostgreSQL 14, pg_get_functiondef() does, and shows it.
std::string code() {
  return "CASE WHEN " + equals("l.lanname", "'sql'") + " AND " + equals("p.prosrc", "''") +
         " THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prosrc END";
}

// See FunctionSource::arguments.
std::string plain_arguments() {
  return "CASE WHEN p.proargmodes IS NULL AND p.proconfig IS NULL AND NOT p.proretset AND " +
         equals("p.pronargdefaults", "0") + " AND " + equals("p.prokind", "'f'") +
         " THEN COALESCE(pg_catalog.array_to_string(p.proargnames,','),'') OPERATOR(pg_catalog.||) '|'"
         " OPERATOR(pg_catalog.||) p.proargtypes::pg_catalog.text ELSE '' END";
}

// (name, oid): functions and procedures, and what aggregates consist of.
std::string functions_called(const std::string& names) {
  const std::string wanted = equals("p.proname", "ANY(" + names + ")") +
                             " AND p.oid OPERATOR(pg_catalog.>=) " + std::string(first_own_oid);
  return "SELECT p.proname,p.oid FROM pg_catalog.pg_proc p WHERE " + wanted +
         " AND p.prokind OPERATOR(pg_catalog.<>) 'a'"
         " UNION ALL SELECT p.proname,s.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_aggregate a ON " +
         equals("a.aggfnoid", "p.oid") + " JOIN pg_catalog.pg_proc s ON " +
         equals("s.oid",
                "ANY(ARRAY[a.aggtransfn,a.aggfinalfn,a.aggcombinefn,a.aggserialfn,a.aggdeserialfn,"
                "a.aggmtransfn,a.aggminvtransfn,a.aggmfinalfn]::pg_catalog.oid[])") +
         " WHERE " + wanted;
}

// A function that runs under a search_path of its own with the temporary schema in it (CREATE FUNCTION ...
// SET) creates in it what is named without a schema.
std::string temporary_paths(const std::string& names) {
  return "SELECT p.proname,'sql','SELECT ''pg_temp''','','' FROM pg_catalog.pg_proc p WHERE " +
         equals("p.proname", "ANY(" + names + ")") + " AND p.oid OPERATOR(pg_catalog.>=) " +
         std::string(first_own_oid) +
         " AND pg_catalog.strpos(pg_catalog.array_to_string(p.proconfig,','),'pg_temp')"
         " OPERATOR(pg_catalog.>) 0";
}

// Built-in functions and dblink's that change their session.
constexpr std::string_view state_functions =
    "ARRAY['set_config','setseed','pg_advisory_lock','pg_advisory_lock_shared','pg_try_advisory_lock',"
    "'pg_try_advisory_lock_shared','dblink_connect','dblink_connect_u']::pg_catalog.name[]";

constexpr std::string_view sequence_functions =
    "ARRAY['nextval','setval','currval','lastval']::pg_catalog.name[]";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string greater_or_equal(std::string_view left, std::string_view right) {
  return std::string(left) + " OPERATOR(pg_catalog.>=) " + std::string(right);
}

// The body of a row that calls p, with its schema, because p may have the name of a built-in function.
std::string call_of_p() {
  return "(SELECT pg_catalog.format('SELECT %I.%I()',n.nspname,p.proname) FROM pg_catalog.pg_namespace n "
         "WHERE " +
         equals("n.oid", "p.pronamespace") + ")";
}

// The trees of views and policies, which a statement evaluates that writes nothing.
std::string trees_of_queries() {
  return "SELECT ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite WHERE " + equals("ev_type", "'1'") +
         " AND " + greater_or_equal("ev_class", first_own_oid) +
         " UNION ALL SELECT polqual::pg_catalog.text FROM pg_catalog.pg_policy WHERE polqual IS NOT NULL";
}

std::string trees_of_writes() {
  return "SELECT ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite WHERE ev_type OPERATOR(pg_catalog.<>) "
         "'1' AND " +
         greater_or_equal("ev_class", first_own_oid) +
         " UNION ALL SELECT adbin::pg_catalog.text FROM pg_catalog.pg_attrdef"
         " UNION ALL SELECT conbin::pg_catalog.text FROM pg_catalog.pg_constraint WHERE conbin IS NOT NULL"
         " UNION ALL SELECT polwithcheck::pg_catalog.text FROM pg_catalog.pg_policy"
         " WHERE polwithcheck IS NOT NULL"
         " UNION ALL SELECT tgqual::pg_catalog.text FROM pg_catalog.pg_trigger WHERE tgqual IS NOT NULL"
         " UNION ALL SELECT typdefaultbin::pg_catalog.text FROM pg_catalog.pg_type WHERE typdefaultbin IS "
         "NOT NULL";
}

// An expression is stored as a tree, whose text names functions by their oid.
std::string functions_in(const std::string& trees) {
  return "SELECT m[1]::pg_catalog.oid FROM (" + trees +
         ") t(tree),LATERAL pg_catalog.regexp_matches(t.tree,"
         "':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)','g') m";
}

// Functions of index expressions and predicates and of partition keys (1259 is pg_class), of extended statistics (3381),
// and of types: a domain's default, a range's subtype_diff (1247). They must be immutable, or are run by a type, so that
// none of the server's own matters here, on which nothing depends in this catalogue.
std::string functions_depended_on() {
  return " UNION SELECT refobjid FROM pg_catalog.pg_depend WHERE " +
         equals("classid", "ANY(ARRAY[1259,3381,1247]::pg_catalog.oid[])") + " AND " +
         equals("refclassid", "1255") + " AND " + greater_or_equal("refobjid", first_own_oid);
}

// Functions that are run by operators, indexes, casts and attributes (those of one argument, which is a row),
// and those that have the name of a built-in one.
std::string functions_unnamed() {
  return " UNION SELECT oprcode::pg_catalog.oid FROM pg_catalog.pg_operator WHERE " +
         greater_or_equal("oid", first_own_oid) +
         " UNION SELECT amproc::pg_catalog.oid FROM pg_catalog.pg_amproc WHERE " +
         greater_or_equal("oid", first_own_oid) + " UNION SELECT castfunc FROM pg_catalog.pg_cast WHERE " +
         greater_or_equal("oid", first_own_oid) +
         " UNION SELECT f.oid FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_type y ON " +
         equals("y.oid", "f.proargtypes[0]") + " AND " + equals("y.typtype", "'c'") + " WHERE " +
         greater_or_equal("f.oid", first_own_oid) + " AND " +
         equals("f.pronargs OPERATOR(pg_catalog.-) f.pronargdefaults", "1") +
         " UNION SELECT f.oid FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_proc b ON " +
         equals("b.proname", "f.proname") + " AND b.oid OPERATOR(pg_catalog.<) " +
         std::string(first_own_oid) + " WHERE " + greater_or_equal("f.oid", first_own_oid);
}

// One row for each function.
std::string definitions() {
  return "SELECT '" + std::string(definitions_name) + "','sql'," + call_of_p() + ",'','' FROM (" +
         functions_in(trees_of_queries() + " UNION ALL " + trees_of_writes()) + functions_depended_on() +
         functions_unnamed() + ") d(oid) JOIN pg_catalog.pg_proc p ON " + equals("p.oid", "d.oid") +
         " JOIN pg_catalog.pg_language l ON " + equals("l.oid", "p.prolang") + " WHERE " +
         equals("p.proname", "ANY(" + std::string(state_functions) + ")") + " OR (" +
         greater_or_equal("p.oid", first_own_oid) +
         " AND l.lanname OPERATOR(pg_catalog.<>) ALL(ARRAY['c','internal']::pg_catalog.name[]))";
}

// The functions of sequences that views and policies call, also in the code of a function that they name.
std::string sequences_in_queries() {
  return "SELECT DISTINCT '" + std::string(definitions_name) +
         "','sql',pg_catalog.format('SELECT %I()',w.name),'','' FROM (" + functions_in(trees_of_queries()) +
         ") d(oid) JOIN pg_catalog.pg_proc p ON " + equals("p.oid", "d.oid") + " JOIN pg_catalog.unnest(" +
         std::string(sequence_functions) + ") w(name) ON " + equals("p.proname", "w.name") + " OR (" +
         greater_or_equal("p.oid", first_own_oid) +
         " AND pg_catalog.strpos(pg_catalog.lower(p.prosrc),w.name::pg_catalog.text) OPERATOR(pg_catalog.>) "
         "0)";
}

// The functions of event triggers, but not those of logins (PostgreSQL 17), which have run before a client
// sees the connection.
std::string event_triggers() {
  return "SELECT '" + std::string(event_triggers_name) + "','sql'," + call_of_p() +
         ",'','' FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON " +
         equals("p.oid", "e.evtfoid") + " WHERE e.evtevent OPERATOR(pg_catalog.<>) 'login'";
}

}  // namespace

std::string replace_non_ascii(std::string_view text) {
  return "pg_catalog.regexp_replace(" + std::string(text) + " COLLATE pg_catalog.\"C\",'[^[:ascii:]]+','" +
         std::string(not_ascii) + "','g')";
}

std::string sources_query(const std::vector<std::string>& names) {
  std::string list = "ARRAY[";
  for (const std::string& name : names) list += (&name == names.data() ? "" : ",") + text_expression(name);
  list += "]::pg_catalog.name[]";

  std::string unnamed;
  if (contains(names, definitions_name)) {
    unnamed += " UNION ALL " + definitions() + " UNION ALL " + sequences_in_queries();
  }
  if (contains(names, event_triggers_name)) unnamed += " UNION ALL " + event_triggers();
  const std::string too_long =
      "pg_catalog.length(c.body) OPERATOR(pg_catalog.>) " + std::string(body_size_max);
  return "SELECT " + replace_non_ascii("c.name::pg_catalog.text") + ",CASE WHEN " + too_long + " THEN '" +
         std::string(source_too_long) + "' ELSE " + replace_non_ascii("c.language::pg_catalog.text") +
         " END,CASE WHEN " + too_long + " THEN '' ELSE " + replace_non_ascii("c.body") + " END," +
         replace_non_ascii("c.arguments") + "," + replace_non_ascii("c.library") +
         " FROM (SELECT f.proname,l.lanname," + code() + "," + plain_arguments() +
         ",COALESCE(p.probin,'') FROM (" + functions_called(list) + ") f JOIN pg_catalog.pg_proc p ON " +
         equals("p.oid", "f.oid") + " JOIN pg_catalog.pg_language l ON " + equals("l.oid", "p.prolang") +
         " UNION ALL SELECT p.proname,'sql','SELECT ' OPERATOR(pg_catalog.||)"
         " pg_catalog.pg_get_expr(p.proargdefaults,0),'','' FROM pg_catalog.pg_proc p WHERE " +
         equals("p.proname", "ANY(" + list + ")") + " AND p.oid OPERATOR(pg_catalog.>=) " +
         std::string(first_own_oid) + " AND p.proargdefaults IS NOT NULL UNION ALL " + temporary_paths(list) +
         unnamed + ") c(name,language,body,arguments,library)";
}

}  // namespace pgweir
