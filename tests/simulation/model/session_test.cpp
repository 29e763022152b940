#include "tests/simulation/model/session.hpp"

#include <catch2/catch.hpp>

#include "protocol/frontend.hpp"
#include "tests/simulation/model/model_harness.hpp"
#include "tests/simulation/model/wire.hpp"

using namespace pgweir;
using namespace pgweir::simulation;
using namespace std::chrono_literals;

namespace {

struct Server {
  ModelCluster cluster;
  explicit Server(const std::string& version = "15.18") : cluster(version) {
    cluster.add_role("app", {.superuser = true});
    cluster.add_role("team");
    cluster.add_database("app");
  }
  ModelClient client(Pid pid) { return ModelClient(cluster, pid); }
};

}  // namespace

TEST_CASE("a session is clean until something is left in it") {
  Server server;
  ModelClient client = server.client(1);
  CHECK(client.session().is_clean());
  for (const std::string_view sql :
       {"SET work_mem = '7MB'", "SET ROLE team", "PREPARE p AS SELECT 1", "CREATE TEMP TABLE t (a int)",
        "SELECT pg_advisory_lock(1)", "LISTEN ch", "BEGIN", "SET app.tenant = 'x'",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1"}) {
    INFO(sql);
    client.query(sql);
    CHECK_FALSE(client.session().is_clean());
    client.query("ROLLBACK");
    client.query("DISCARD ALL");
    CHECK(client.session().is_clean());
  }
  client.query("PREPARE __pgweir_1 AS SELECT 1");
  CHECK(client.session().is_clean());
}

TEST_CASE("what the model was never taught fails loudly") {
  Server server;
  CHECK(server.client(1).query("SELECT now()") == "E(XX000) Z(I)");
}

TEST_CASE("a lock is waited for, and whoever waits goes on when it is let go") {
  Server server;
  ModelClient first = server.client(1);
  ModelClient second = server.client(2);
  CHECK(first.query("SELECT pg_advisory_lock(5)") == "T D C(SELECT 1) Z(I)");
  CHECK(second.query("SELECT nextval('s'), pg_advisory_lock(5)") == "E(42P01) Z(I)");
  CHECK(second.query("CREATE SEQUENCE s") == "C(CREATE SEQUENCE) Z(I)");
  CHECK(second.query("SELECT nextval('s'), pg_advisory_lock(5)") == "T");
  CHECK(second.session().is_waiting());
  first.query("SELECT pg_advisory_unlock(5)");
  REQUIRE(second.session().wakes_at());
  CHECK(second.hear() == "D(1,) C(SELECT 1) Z(I)");
  CHECK(second.query("SELECT currval('s')") == "T D(1) C(SELECT 1) Z(I)");
}

TEST_CASE("a lock_timeout, a statement_timeout, a cancel and a deadlock end a wait") {
  Server server;
  ModelClient first = server.client(1);
  ModelClient second = server.client(2);
  first.query("SELECT pg_advisory_lock(5)");
  second.query("SET lock_timeout = '10ms'");
  CHECK(second.query("SELECT pg_advisory_lock(5)") == "T");
  CHECK(second.wait(9ms).empty());
  CHECK(second.wait(1ms) == "E(55P03) Z(I)");
  second.query("SET lock_timeout = 0; SET statement_timeout = 20");
  CHECK(second.query("SELECT pg_advisory_lock(5)") == "T");
  CHECK(second.wait(20ms) == "E(57014) Z(I)");
  second.query("SET statement_timeout = 0");
  CHECK(second.query("SELECT pg_sleep(5)") == "T");
  server.cluster.cancel(2, ByteBuffer{0, 0, 0, 3});
  CHECK(second.hear() == "E(57014) Z(I)");
  second.query("SELECT pg_advisory_lock(6)");
  CHECK(second.query("SELECT pg_advisory_lock(5)") == "T");
  CHECK(first.query("SELECT pg_advisory_lock(6)") == "T");
  CHECK(first.wait(1s) == "E(40P01) Z(I)");
  CHECK(second.hear().empty());
}

TEST_CASE("a cancel that is late hits the next statement, one for an idle session nothing") {
  Server server;
  ModelClient client = server.client(1);
  server.cluster.cancel(1, ByteBuffer{0, 0, 0, 2});
  CHECK(client.query("SELECT 1") == "T D(1) C(SELECT 1) Z(I)");
  server.cluster.cancel(1, ByteBuffer{0, 0, 0, 2}, true);
  CHECK(client.query("SELECT 1") == "E(57014) Z(I)");
  server.cluster.cancel(1, ByteBuffer{0, 0, 0, 9}, true);
  CHECK(client.query("SELECT 1") == "T D(1) C(SELECT 1) Z(I)");
}

TEST_CASE("notifications come to whoever is idle, and to others before they are ready") {
  Server server;
  ModelClient first = server.client(1);
  ModelClient second = server.client(2);
  first.query("LISTEN ch");
  second.query("LISTEN ch");
  second.query("BEGIN");
  CHECK(first.query("NOTIFY ch, 'x'") == "C(NOTIFY) A(ch,x) Z(I)");
  CHECK(second.hear().empty());
  CHECK(second.query("COMMIT") == "C(COMMIT) A(ch,x) Z(I)");
  first.query("BEGIN; NOTIFY ch, 'y'");
  CHECK(second.hear().empty());
  first.query("ROLLBACK");
  CHECK(second.hear().empty());
  first.query("NOTIFY ch, 'z'");
  CHECK(second.hear() == "A(ch,z)");
}

// What is told at the end of a string is what the session listens to then.
TEST_CASE("an UNLISTEN behind the COMMIT that notifies is in time") {
  Server server;
  ModelClient client = server.client(1);
  client.query("LISTEN ch; LISTEN other");
  client.query("BEGIN; NOTIFY ch, 'x'");
  CHECK(client.query("COMMIT; UNLISTEN ch") == "C(COMMIT) C(UNLISTEN) Z(I)");
  client.query("BEGIN; NOTIFY other, 'x'");
  CHECK(client.query("COMMIT; UNLISTEN *; LISTEN other") ==
        "C(COMMIT) C(UNLISTEN) C(LISTEN) A(other,x) Z(I)");
  client.query("BEGIN; NOTIFY other, 'x'; COMMIT; UNLISTEN *");
  CHECK(client.query("LISTEN other") == "C(LISTEN) Z(I)");
}

TEST_CASE("tables are shared, uncommitted rows are not, and an ALTER makes statements stale") {
  Server server;
  ModelClient first = server.client(1);
  ModelClient second = server.client(2);
  first.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
  second.query("PREPARE p AS SELECT * FROM t");
  CHECK(second.query("EXECUTE p") == "T D(1) C(SELECT 1) Z(I)");
  first.query("BEGIN; INSERT INTO t VALUES (2)");
  CHECK(second.query("EXECUTE p") == "T D(1) C(SELECT 1) Z(I)");
  first.query("ALTER TABLE t ADD COLUMN b text");
  CHECK(second.query("EXECUTE p").empty());
  first.query("COMMIT");
  CHECK(second.hear() == "E(0A000) Z(I)");
}

TEST_CASE("who deletes the same row waits for the other") {
  Server server;
  ModelClient first = server.client(1);
  ModelClient second = server.client(2);
  first.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)");
  first.query("BEGIN; DELETE FROM t WHERE a = 1");
  CHECK(second.query("DELETE FROM t").empty());
  first.query("ROLLBACK");
  CHECK(second.hear() == "C(DELETE 2) Z(I)");
}

TEST_CASE("timeouts of an idle session end it") {
  Server server;
  ModelClient client = server.client(1);
  client.query("SET idle_session_timeout = '1s'; SET idle_in_transaction_session_timeout = '2s'");
  client.query("BEGIN");
  CHECK(client.wait(1s).empty());
  client.query("COMMIT");
  CHECK(client.wait(1s) == "E(FATAL 57P05)");
  CHECK(client.session().is_closed());
}

TEST_CASE("a server ends, refuses, and comes back read-only") {
  Server server;
  ModelClient client = server.client(1);
  client.query("BEGIN; CREATE TABLE t (a int)");
  server.cluster.restart();
  CHECK(client.hear() == "E(FATAL 57P01)");
  CHECK(client.session().is_closed());
  server.cluster.login_refusal = LoginRefusal::starting_up;
  CHECK_FALSE(server.client(2).session().has_begun());
  server.cluster.login_refusal.reset();
  server.cluster.in_recovery = true;
  ModelClient reader = server.client(3);
  CHECK(reader.query("CREATE TABLE t (a int)") == "E(25006) Z(I)");
  CHECK(reader.query("LISTEN ch") == "E(25006) Z(I)");
  CHECK(reader.query("SHOW transaction_read_only") == "T D(on) C(SHOW) Z(I)");
}

TEST_CASE("who is asked for a password is let in with the right one, and an unknown user with none") {
  Server server;
  server.cluster.add_role("hashed", {.password = "secret"});
  for (const char* const user : {"hashed", "ghost"}) server.cluster.set_method(user, LoginMethod::cleartext);
  const auto log_in = [&](std::string_view user, const std::string& password) {
    ModelSession session(server.cluster, 9, 9);
    ByteBuffer bytes;
    write_startup_message(bytes, 0, user, "app", {});
    write_password_message(bytes, password);
    session.receive(bytes);
    return session.has_begun();
  };
  CHECK(log_in("hashed", "secret"));
  CHECK_FALSE(log_in("hashed", "other"));
  CHECK_FALSE(log_in("ghost", "secret"));
}

TEST_CASE("a role and a database have so many sessions at most") {
  Server server;
  server.cluster.add_role("app", {.connections_max = 1});
  ModelClient first = server.client(1);
  CHECK(first.session().has_begun());
  CHECK_FALSE(server.client(2).session().has_begun());
  first.query("SELECT 1");
  server.cluster.add_role("app");
  server.cluster.add_database("app", {.connections_max = 1});
  CHECK_FALSE(server.client(3).session().has_begun());
}

TEST_CASE("what begins while a server takes no writes is read-only, and what has begun is not") {
  Server server;
  ModelClient client = server.client(1);
  client.query("CREATE TABLE t (a int)");
  client.query("BEGIN");
  server.cluster.reload_read_only(true);
  CHECK(client.query("INSERT INTO t VALUES (1)") == "C(INSERT 0 1) S(default_transaction_read_only=on) Z(T)");
  CHECK(client.query("COMMIT") == "C(COMMIT) Z(I)");
  CHECK(client.query("INSERT INTO t VALUES (2)") == "E(25006) Z(I)");
  client.query("BEGIN; SET LOCAL default_transaction_read_only = off");
  server.cluster.reload_read_only(false);
  CHECK(client.query("ROLLBACK") == "C(ROLLBACK) Z(I)");
  CHECK(client.query("INSERT INTO t VALUES (2)") == "C(INSERT 0 1) Z(I)");
}

TEST_CASE("defaults of roles and databases are those of the next login") {
  Server server;
  ModelClient client = server.client(1);
  CHECK(client.query("ALTER ROLE app SET work_mem = '9MB'") == "C(ALTER ROLE) Z(I)");
  CHECK(client.query("SHOW work_mem") == "T D(4MB) C(SHOW) Z(I)");
  ModelClient next = server.client(2);
  CHECK(next.query("SHOW work_mem") == "T D(9MB) C(SHOW) Z(I)");
  CHECK(next.session().is_clean());
}

TEST_CASE("a portal outlives the failure of its transaction until the ROLLBACK") {
  Server server;
  ModelClient client = server.client(1);
  client.query("BEGIN");
  ByteBuffer bytes;
  write_parse(bytes, "", "SELECT 1", no_parameter_types);
  write_bind(bytes, "q", "");
  write_parse(bytes, "", "SELECT nosuch", no_parameter_types);
  write_sync(bytes);
  CHECK(client.send(bytes) == "1 2 E(42703) Z(E)");
  ByteBuffer execute;
  write_execute(execute, "q");
  write_sync(execute);
  CHECK(client.send(execute) == "E(25P02) Z(E)");
  client.query("ROLLBACK");
  CHECK(client.send(execute) == "E(34000) Z(I)");
}

TEST_CASE("settings have the scopes of transactions and savepoints") {
  Server server;
  ModelClient client = server.client(1);
  client.query(
      "BEGIN; SET app.x = 'a'; SAVEPOINT s; SET LOCAL app.x = 'b'; SET app.x = 'c'; SET LOCAL app.x = 'd'");
  client.query("RELEASE s");
  CHECK(client.query("SHOW app.x") == "T D(d) C(SHOW) Z(T)");
  client.query("SAVEPOINT s; SET app.x = 'e'; ROLLBACK TO s");
  CHECK(client.query("SHOW app.x") == "T D(d) C(SHOW) Z(T)");
  client.query("COMMIT");
  CHECK(client.query("SHOW app.x") == "T D(c) C(SHOW) Z(I)");
  client.query("RESET app.x");
  CHECK(client.query("SHOW app.x") == "T D C(SHOW) Z(I)");
  CHECK(client.session().is_clean());
}

TEST_CASE("SET SESSION AUTHORIZATION is a SET ROLE NONE of the same scope") {
  Server server;
  ModelClient client = server.client(1);
  client.query("SET ROLE team");
  client.query("BEGIN; SET LOCAL SESSION AUTHORIZATION team");
  CHECK(client.query("SHOW role") == "T D(none) C(SHOW) Z(T)");
  CHECK(client.query("ROLLBACK").ends_with("Z(I)"));
  CHECK(client.query("SHOW role") == "T D(team) C(SHOW) Z(I)");
}

TEST_CASE("bytes may come one at a time") {
  Server server;
  ModelClient client = server.client(1);
  ByteBuffer bytes;
  write_query(bytes, "SELECT 1");
  std::string heard;
  for (const Byte byte : bytes) heard += client.send(ByteView(&byte, 1));
  CHECK(heard == "T D(1) C(SELECT 1) Z(I)");
}

TEST_CASE("a Flush sends what is there, whatever follows in the same packet") {
  Server server;
  ModelClient client = server.client(1);
  ByteBuffer bytes;
  write_parse(bytes, "", "SELECT 1", no_parameter_types);
  write_flush(bytes);
  write_bind(bytes, "", "");
  client.session().receive(bytes);
  CHECK(in_letters(client.session().take_sent_output()) == "1");
  ByteBuffer rest;
  write_execute(rest, "");
  client.session().receive(rest);
  CHECK(client.session().take_sent_output().empty());
  ByteBuffer sync;
  write_sync(sync);
  client.session().receive(sync);
  CHECK(in_letters(client.session().take_sent_output()) == "2 D(1) C(SELECT 1) Z(I)");
}

TEST_CASE("what differs between versions is answered as that version does") {
  for (const auto& [version, in_pipeline] : {std::pair("15.18", "1 2 C(SET) 1 2 N(25P01) C(SET) Z(I)"),
                                             std::pair("17.10", "1 2 C(SET) 1 2 N(25P01) C(SET) Z(I)"),
                                             std::pair("18.4", "1 2 C(SET) 1 2 C(SET) Z(I)")}) {
    INFO(version);
    Server server(version);
    ModelClient client = server.client(1);
    CHECK(client.query("SHOW server_version_num") ==
          "T D(" + std::to_string(server.cluster.version_number()) + ") C(SHOW) Z(I)");
    const bool has_iterations = server.cluster.major() >= 16;
    CHECK(client.query("SHOW scram_iterations").starts_with(has_iterations ? "T D(4096)" : "E(42704)"));
    const bool tells_path = server.cluster.major() >= 18;
    CHECK(client.query("SET search_path = app") ==
          (tells_path ? "C(SET) S(search_path=app) Z(I)" : "C(SET) Z(I)"));
    ByteBuffer bytes;
    for (const std::string_view sql : {"SET work_mem = '7MB'", "SET LOCAL work_mem = '8MB'"}) {
      write_parse(bytes, "", sql, no_parameter_types);
      write_bind(bytes, "", "");
      write_execute(bytes, "");
    }
    write_sync(bytes);
    CHECK(client.send(bytes) == in_pipeline);
  }
}

TEST_CASE("a portal that was bound in a failed transaction, and has not run, is warned of") {
  Server server;
  ModelClient client = server.client(1);
  ByteBuffer bytes;
  write_parse(bytes, "", "ROLLBACK", no_parameter_types);
  write_bind(bytes, "q", "");
  write_sync(bytes);
  client.query("BEGIN");
  client.send(bytes);
  CHECK(client.query("ROLLBACK") == "C(ROLLBACK) Z(I)");
  client.query("BEGIN; SELECT nosuch");
  CHECK(client.send(bytes) == "1 2 Z(E)");
  CHECK(client.query("ROLLBACK") == "N(01000) C(ROLLBACK) Z(I)");
  client.query("BEGIN; SAVEPOINT a; SELECT nosuch");
  CHECK(client.send(bytes) == "1 2 Z(E)");
  CHECK(client.query("ROLLBACK TO a") == "N(01000) C(ROLLBACK) Z(T)");
  CHECK(client.query("ROLLBACK") == "C(ROLLBACK) Z(I)");
}

TEST_CASE("COPY finds too many columns before it reads the first") {
  Server server;
  ModelClient client = server.client(1);
  client.query("CREATE TABLE t (a int)");
  CHECK(client.query("COPY t FROM STDIN") == "G");
  ByteBuffer bytes;
  write_copy_data(bytes, "x\ty\n");
  CHECK(client.send(bytes).starts_with("E(22P04)"));
}

TEST_CASE(
    "a prepared statement does not see a table that was made in front of its own, but for the session's "
    "first one") {
  Server server;
  ModelClient client = server.client(1);
  client.query("CREATE TABLE t (a text); INSERT INTO t VALUES ('public')");
  client.query("PREPARE p AS SELECT * FROM t");
  client.query("CREATE TEMP TABLE t (a text)");
  CHECK(client.query("EXECUTE p") == "T C(SELECT 0) Z(I)");
  client.query("DROP TABLE pg_temp.t");
  CHECK(client.query("EXECUTE p") == "T D(public) C(SELECT 1) Z(I)");
  client.query("CREATE TEMP TABLE t (a text)");
  CHECK(client.query("EXECUTE p") == "T D(public) C(SELECT 1) Z(I)");
  client.query("SET search_path = pg_temp, public");
  CHECK(client.query("EXECUTE p") == "T C(SELECT 0) Z(I)");
}
