#include "proxy/request/startup_restorer.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// A client that has brought these settings at startup.
struct Brought : RelayScript {
  explicit Brought(SettingMap settings = {{"application_name", "a"}, {"work_mem", "8MB"}}) {
    exchange.client.startup = worker().interner().intern(std::move(settings));
  }
  bool is_marked() const { return exchange.watch.marks.contains(Mark::restored); }
  // What the server is sent for the client's query.
  std::string sent_for(const std::string& sql) {
    run("> Q(" + sql + ")");
    return server();
  }
};

std::string restored(const std::string& name, const std::string& value) {
  const bool is_identity = name == "role" || name == "session_authorization";
  if (is_identity) return " Q(SELECT pg_catalog.set_config('" + name + "','" + value + "',false))";
  return " Q(SET \"" + name + "\" = '" + value + "')";
}

}  // namespace

TEST_CASE("what a client brought at startup is restored behind its RESET, and it sees only its own answer") {
  Brought session;
  session.byte_by_byte = GENERATE(false, true);
  CHECK(session.sent_for("reset work_mem") == "Q(reset work_mem)" + restored("work_mem", "8MB"));
  CHECK(session.is_marked());
  session.run("< C(RESET) Z(I) C(SELECT 1) Z(I)");
  CHECK(session.client() == "C(RESET) Z(I)");
}

TEST_CASE("a reset of all settings takes back all that the client brought, the encoding first") {
  const std::string sql = GENERATE("reset all", "discard all");
  Brought session(SettingMap{{"application_name", "a"}, {"client_encoding", "LATIN1"}});
  CHECK(session.sent_for(sql) ==
        "Q(" + sql + ")" + restored("client_encoding", "LATIN1") + restored("application_name", "a"));
}

TEST_CASE("RESET ALL leaves the role, which DISCARD ALL does not") {
  Brought session(SettingMap{{"role", "owner"}});
  CHECK(session.sent_for("reset all") == "Q(reset all)");
  session.run("< C(RESET) Z(I)");
  CHECK(session.sent_for("discard all") == "Q(discard all)" + restored("role", "owner"));
}

TEST_CASE("a RESET SESSION AUTHORIZATION resets the role, too, and a RESET ROLE nothing else") {
  Brought session(SettingMap{{"role", "owner"}, {"session_authorization", "team"}});
  SECTION("the role") {
    CHECK(session.sent_for("reset role") == "Q(reset role)" + restored("role", "owner"));
  }
  SECTION("both") {
    CHECK(session.sent_for("reset session authorization") == "Q(reset session authorization)" +
                                                                 restored("role", "owner") +
                                                                 restored("session_authorization", "team"));
  }
}

TEST_CASE("what is reset until the end of a transaction is restored until then") {
  Brought session;
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.server();
  CHECK(session.sent_for("set local work_mem to default") ==
        "Q(set local work_mem to default) Q(SET LOCAL \"work_mem\" = '8MB')");
  CHECK_FALSE(session.is_marked());
}

TEST_CASE("nothing is restored where nothing is lost") {
  const std::string sql = GENERATE("set work_mem = '4MB'", "reset statement_timeout", "discard temp",
                                   "set transaction_isolation to default", "select 'reset all'");
  Brought session(SettingMap{{"transaction_isolation", "serializable"}, {"work_mem", "8MB"}});
  CHECK(session.sent_for(sql) == "Q(" + sql + ")");
  CHECK_FALSE(session.is_marked());
}

TEST_CASE("a client that has brought nothing loses nothing") {
  Brought session(SettingMap{});
  CHECK(session.sent_for("reset all") == "Q(reset all)");
  CHECK_FALSE(StartupRestorer(session.exchange).loses_startup(Verb::discard, "discard all"));
}

TEST_CASE("a value that only looks like the end of the statement is restored as it is") {
  Brought session(SettingMap{{"search_path", "x,false)"}});  // a list, which SET would take for one name
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.server();
  CHECK(session.sent_for("set local search_path to default").ends_with("'x,false)',true))"));
}

// --- By the extended protocol

TEST_CASE("a RESET by the extended protocol is followed by the statement that restores within its batch") {
  Brought session;
  session.run("> P(,reset work_mem) B() E");
  const std::string sent = session.server();
  CHECK(sent.find("E P(#1,SET \"work_mem\" = '8MB')") != std::string::npos);
  CHECK(sent.ends_with("B(#1) E Cp(#1) Cs(#1)"));
  session.run("> S < 1 2 C(RESET) 1 2 C(SELECT 1) 3 3 Z(I)");
  CHECK(session.client() == "1 2 C(RESET) Z(I)");
}

TEST_CASE(
    "settings come back behind a DISCARD ALL by the extended protocol, wherever the next batch begins") {
  Brought session(SettingMap{{"work_mem", "8MB"}});
  session.byte_by_byte = GENERATE(false, true);
  session.run("> P(,discard all) B() E < 1 2 C(DISCARD ALL)");
  session.server();
  session.client();
  SECTION("with its Sync") {
    session.run("> S");
    CHECK(session.server() == "P(#1,SET \"work_mem\" = '8MB') B(#1) E Cp(#1) Cs(#1) S");
    session.run("< 1 2 C(SELECT 1) 3 3 Z(I)");
    CHECK(session.client() == "Z(I)");
  }
  SECTION("without one: what follows may have to be the first of its transaction") {
    session.run("> P(,vacuum) B() E S");
    CHECK(session.server() == "S" + restored("work_mem", "8MB") + " P(,vacuum) B() E S");
    session.run("< Z(I) C(SELECT 1) Z(I) 1 2 C(VACUUM) Z(I)");
    CHECK(session.client() == "1 2 C(VACUUM) Z(I)");
  }
  CHECK(session.is_marked());
  CHECK_FALSE(session.exchange.restore_due);
}

TEST_CASE(
    "a DISCARD ALL by the extended protocol that fails restores nothing, and its batch is skipped as "
    "before") {
  Brought session;
  session.run("> P(,discard all) B() E < 1 2 E(25001,cannot run inside a transaction block)");
  session.server();
  session.run("> P(,select 1) S");
  CHECK(session.server() == "S");
  CHECK_FALSE(session.is_marked());
}

TEST_CASE("a message behind a DISCARD ALL by the extended protocol waits for its outcome") {
  Brought session;
  session.run("> P(,discard all) B() E");
  session.server();
  CHECK(StartupRestorer(session.exchange).restore_after_discard(FrontendType::Parse) == Progress::hold);
  CHECK(session.server().empty());
  CHECK(session.exchange.restore_due);
}
