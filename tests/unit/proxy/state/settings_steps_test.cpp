#include "proxy/state/settings_steps.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace pgweir;

namespace {

constexpr TextRules all_utf8{};
constexpr TextRules latin_server{.utf8 = true, .utf8_names = false};
constexpr TextRules latin_client{.utf8 = false, .utf8_names = false};

// "local work_mem=1MB", "reset work_mem", "?work_mem" for a doubt, "rollback_to s".
std::string spelled(const SettingsStep& step) {
  using Kind = SettingsItem::Kind;
  static const std::map<Kind, std::string> words{{Kind::set, ""},
                                                 {Kind::reset, "reset "},
                                                 {Kind::reset_all, "reset_all"},
                                                 {Kind::doubt, "?"},
                                                 {Kind::local_doubt, "local ?"},
                                                 {Kind::commit, "commit"},
                                                 {Kind::rollback, "rollback"},
                                                 {Kind::savepoint, "savepoint "},
                                                 {Kind::rollback_to, "rollback_to "},
                                                 {Kind::release, "release "}};
  std::string out;
  for (const SettingsItem& item : step) {
    out +=
        (out.empty() ? "" : "; ") + std::string(item.local ? "local " : "") + words.at(item.kind) + item.name;
    if (item.kind == Kind::set) out += '=' + item.value;
  }
  return out;
}

std::string of_set(std::string_view text, const TextRules& rules = all_utf8) {
  SettingsStep out;
  const auto set = parse_set(text);
  add_set(set ? &*set : nullptr, rules, out);
  return spelled(out);
}
std::string of_call(std::string_view text, const TextRules& rules = all_utf8) {
  SettingsStep out;
  add_set_config(find_set_config(text), nullptr, rules, out);
  return spelled(out);
}
std::string of_control(std::string_view text) {
  SettingsStep out;
  add_control(text, out);
  return spelled(out);
}

}  // namespace

TEST_CASE("a SET is followed by its name and value, and a doubt where the text does not show them") {
  CHECK(of_set("SET work_mem = '3MB'") == "work_mem=3MB");
  CHECK(of_set("SET LOCAL work_mem = '3MB'") == "local work_mem=3MB");
  CHECK(of_set("SET LOCAL work_mem TO DEFAULT") == "local reset work_mem");
  CHECK(of_set("SET LOCAL statement_timeout = '5s'").empty());  // see matters_to_analysis()
  CHECK(of_set("RESET work_mem") == "reset work_mem");
  CHECK(of_set("RESET ALL") == "reset_all");
  CHECK(of_set("SET search_path FROM CURRENT") == "?search_path");
  CHECK(of_set("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE") ==
        "?default_transaction_isolation; ?default_transaction_read_only; ?default_transaction_deferrable");
}

TEST_CASE("what only the running transaction has, or nobody can restore, is no setting of the session") {
  const char* const text = GENERATE("SET TRANSACTION READ ONLY", "SET transaction_isolation = 'serializable'",
                                    "SET CONSTRAINTS ALL DEFERRED", "SET seed = 0.5");
  CAPTURE(text);
  CHECK(of_set(text).empty());
}

TEST_CASE("a value that is not ASCII is followed where the client writes UTF-8, a name where both do") {
  CHECK(of_set("SET application_name = '\xc3\xa4'") == "application_name=\xc3\xa4");
  CHECK(of_set("SET application_name = '\xc3\xa4'", latin_server) == "application_name=\xc3\xa4");
  CHECK(of_set("SET application_name = '\xe4'", latin_client) == "?application_name");
  CHECK(of_set("SET app.\"\xc3\xa4\" = '1'") == "app.\xc3\xa4=1");
  CHECK(of_set("SET app.\"\xc3\xa4\" = '1'", latin_server) == "?");
}

TEST_CASE("a value that cannot be read is in doubt up to the end of its transaction where it ends there") {
  CHECK(of_set("SET LOCAL search_path = '\xe4'", latin_client) == "local ?");
  // No statement that is parsed in this transaction means something else for it.
  CHECK(of_set("SET LOCAL application_name = '\xe4'", latin_client).empty());
}

TEST_CASE("a call of set_config is followed where it is made once and its arguments are in the text") {
  CHECK(of_call("select set_config('App.Tenant', '7', false)") == "app.tenant=7");
  CHECK(of_call("select set_config('work_mem', '3MB', true)") == "local work_mem=3MB");
  CHECK(of_call("select set_config('work_mem', '3MB', false) from t") == "?work_mem");
  CHECK(of_call("select set_config('work_mem', '3MB', true) from t") == "local ?");
  CHECK(of_call("select set_config('work_mem', x, false)") == "?work_mem");
  CHECK(of_call("select set_config(x, '1', false)") == "?");
  CHECK(of_call("select set_config(x, '1', true)") == "local ?");
  CHECK(of_call("select set_config('work_mem', '3MB', x)") == "?work_mem");
  CHECK(of_call("select set_config('work_mem', null, false)") == "reset work_mem");
  CHECK(of_call("select set_config('work_mem', null, x)") == "?work_mem");
  CHECK(of_call("select set_config('role', null, false)") == "?role");
}

TEST_CASE(
    "a call of set_config that lasts no longer than its transaction and decides no meaning is nothing") {
  CHECK(of_call("select set_config('app.tenant', '7', true)").empty());
  CHECK(of_call("select set_config('statement_timeout', x, true)").empty());
  // But what it restarts goes on.
  CHECK(of_call("select set_config('seed', '0.5', true)") == "?seed");
}

TEST_CASE("a value of which PostgreSQL keeps a part of the old one is asked for") {
  CHECK(of_call("select set_config('DateStyle', 'DMY', false)") == "?datestyle");
}

TEST_CASE(
    "where set_config is called out of sight any setting is in doubt, besides those that are in sight") {
  CHECK(of_call("do $$ begin perform set_config('jit', 'off', false); end $$") != "");
  CHECK(of_call("select set_config('jit', 'off', false), set_config('a')") == "?jit; ?");
}

TEST_CASE("control of the transaction is read in each of its spellings") {
  const auto [text, expected] = GENERATE(table<const char*, const char*>({
      {"COMMIT AND CHAIN", "commit"},
      {"end", "commit"},
      {"ABORT WORK", "rollback"},
      {"rollback", "rollback"},
      {"ROLLBACK TO s", "rollback_to s"},
      {"ROLLBACK TRANSACTION TO SAVEPOINT \"S\"", "rollback_to S"},
      {"ABORT TO s", "rollback_to s"},
      {"savepoint S", "savepoint s"},
      {"RELEASE s", "release s"},
      {"release savepoint s", "release s"},
      // They are about other transactions.
      {"COMMIT PREPARED 'x'", ""},
      {"ROLLBACK PREPARED 'x'", ""},
      {"BEGIN", ""},
      {"SELECT 1", ""},
  }));
  CAPTURE(text);
  CHECK(of_control(text) == expected);
}

TEST_CASE("a savepoint whose name cannot be read makes all settings doubtful") {
  CHECK(of_control("SAVEPOINT 5") == "?");
  CHECK(of_control("ROLLBACK TO 5") == "?");
}

TEST_CASE("one format is that of all values, and a boolean may be told in binary") {
  ByteBuffer rest;
  Writer(rest).u16(1).u16(1).u16(3).u32(1).u8(0).u32(1).u8(1).u32(2).text("no");
  const ByteBuffer types = {0, 3, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16};
  const BoundValues values(rest, types);
  CHECK(values.boolean(1) == false);
  CHECK(values.boolean(2) == true);
  CHECK_FALSE(values.boolean(3));  // no boolean has two bytes
}
