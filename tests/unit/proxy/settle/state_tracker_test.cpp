#include "proxy/settle/state_tracker.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Tracked : RelayScript {
  StateTracker tracker{exchange};

  // What is asked next, which is then under way; empty: nothing.
  std::string next() {
    const std::optional<OwnQuestion> question = tracker.next();
    return question ? sent(*question) : std::string();
  }
  std::string sent(const OwnQuestion& question) {
    ServerStream(exchange).send_own(question.which, question.sql);
    server();
    return question.sql;
  }
  // Shows the answer, and returns the question that follows at once.
  std::string answer(const std::string& replies) {
    run("< " + replies);
    const std::optional<OwnQuestion> question = tracker.take_answers(replies_events());
    return question ? sent(*question) : std::string();
  }
  ReplyEvents& replies_events() { return replies.events(); }
  std::string desired(const std::string& name) const {
    const auto it = exchange.client.desired->find(name);
    return it == exchange.client.desired->end() ? "-" : it->second;
  }
};

}  // namespace

TEST_CASE("of most transactions there is nothing to ask") {
  Tracked session;
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  CHECK(session.next().empty());
  session.run("> Q(set work_mem = '8MB') < C(SET) Z(I)");
  CHECK(session.next().empty());
  CHECK(session.desired("work_mem") == "8MB");
  CHECK(session.backend().applied->at("work_mem") == "8MB");
}

TEST_CASE("a write in a database without triggers leaves nothing in doubt, nor what was parsed beside it") {
  Tracked session;
  session.pool().code().triggers().forget();
  session.run(
      "> Q(begin) < C(BEGIN) Z(T) > Q(insert into t values (1)) < C(INSERT 0 1) Z(T) > P(s,select 1) S < 1 t "
      "n "
      "Z(T) > Q(commit) < C(COMMIT) Z(I)");
  CHECK(session.pool().schema_version()->is_in_doubt());
  CHECK(session.exchange.statements.find("s")->context == nullptr);
  CHECK(session.next().find("pg_trigger") != std::string::npos);
  CHECK(session.answer("T(a,25) C(SELECT 0) Z(I)").empty());
  CHECK(session.next().empty());
  CHECK_FALSE(session.pool().schema_version()->is_in_doubt());
  CHECK(session.exchange.statements.find("s")->context != nullptr);
}

TEST_CASE("a setting in doubt is asked for by its name, by a statement that the backend keeps") {
  Tracked session;
  session.exchange.journal.doubt("app.tenant");
  const std::string first = session.next();
  CHECK(first.find("PREPARE") != std::string::npos);
  CHECK(first.find("app.tenant") != std::string::npos);
  CHECK(session.answer("C(PREPARE) T(a,25) D(app.tenant,7) C(SELECT 1) Z(I)").empty());
  CHECK(session.next().empty());
  CHECK(session.desired("app.tenant") == "7");

  session.exchange.watch.clear();
  session.exchange.journal.clear();
  session.exchange.journal.doubt("app.tenant");
  CHECK(session.next().find("PREPARE") == std::string::npos);
}

TEST_CASE("what ran unseen is asked for as a whole, and what nobody can list is reset") {
  Tracked session;
  session.exchange.watch.marks.insert(Mark::unseen);
  session.exchange.watch.marks.insert(Mark::unknown_names);
  CHECK(session.next().find("pg_settings") != std::string::npos);
  const std::string reset = session.answer("T(a,25) D(work_mem,8MB) C(SELECT 1) Z(I)");
  CHECK(reset.find("RESET ALL") != std::string::npos);
  CHECK(session.desired("work_mem") == "8MB");
  CHECK(session.backend().applied->empty());
  CHECK(session.answer("C(RESET) Z(I)").empty());
  CHECK(session.next().empty());
}

TEST_CASE("a client whose settings cannot all be known keeps the connection that has them") {
  Tracked session;
  session.exchange.watch.marks.insert(Mark::unseen);
  session.exchange.watch.marks.insert(Mark::unknown_names);
  session.exchange.watch.marks.insert(Mark::missed_names);
  CHECK(session.next().find("pg_settings") != std::string::npos);
  CHECK(session.exchange.pins.contains(Pin::session_function));
  const std::string reset = session.answer("T(a,25) D(work_mem,8MB) C(SELECT 1) Z(I)");
  CHECK(reset.find("RESET ALL") == std::string::npos);
}

TEST_CASE("values that code was given are asked for as names, and forgotten") {
  Tracked session;
  session.exchange.watch.marks.insert(Mark::unseen);
  session.exchange.watch.guessed_names = {"app.tenant"};
  CHECK(session.next().find("'app.tenant'") != std::string::npos);
  CHECK(session.exchange.custom_names.empty());
  CHECK(session.exchange.watch.guessed_names.empty());
}

TEST_CASE("a pin begins when the server confirms it, and ends when the server shows nothing any more") {
  Tracked session;
  session.run("> Q(select pg_advisory_lock(1)) < C(SELECT 1) Z(I)");
  CHECK_FALSE(session.next().empty());
  CHECK_FALSE(session.exchange.pinned());
  session.answer("T(a,25) D(,advisory_lock) C(SELECT 1) Z(I)");
  CHECK(session.exchange.pins.contains(Pin::advisory_lock));
  CHECK(session.next().empty());
  CHECK(session.tracker.take_cause() == "SELECT");

  session.exchange.watch.clear();
  session.run("> Q(select pg_advisory_unlock(1)) < C(SELECT 1) Z(I)");
  CHECK_FALSE(session.next().empty());
  session.answer("T(a,25) C(SELECT 0) Z(I)");
  CHECK_FALSE(session.exchange.pinned());
}

TEST_CASE("a question that is cancelled is asked again without the client's timeout, and not for ever") {
  Tracked session;
  session.exchange.watch.marks.insert(Mark::unseen);
  CHECK_FALSE(session.next().empty());
  for (unsigned i = 1; i < StateTracker::attempts_max; ++i) {
    const std::string again = session.answer("E(57014,canceling statement) Z(I)");
    CHECK(again.find("statement_timeout") != std::string::npos);
    CHECK_FALSE(session.exchange.own.failed);
  }
  CHECK(session.answer("E(57014,canceling statement) Z(I)").empty());
  CHECK(session.exchange.own.failed);
}

TEST_CASE("an answer that is an error leaves a backend that nobody knows") {
  Tracked session;
  session.exchange.watch.marks.insert(Mark::unseen);
  CHECK_FALSE(session.next().empty());
  session.run("< E(XX000,broken) Z(I)");
  CHECK(session.exchange.own.failed);
}

TEST_CASE("an audit finds what should not be there, and nothing where all is known") {
  Tracked session;
  session.sent(session.tracker.audit());
  SECTION("clean") {
    session.answer("T(a,25) C(SELECT 0) Z(I)");
    CHECK(session.tracker.take_finding() == "");
  }
  SECTION("a lock") {
    session.answer("T(a,25) D(,advisory_lock) C(SELECT 1) Z(I)");
    CHECK(session.tracker.take_finding() == "advisory_lock");
  }
  CHECK_FALSE(session.tracker.take_finding().has_value());
  CHECK_FALSE(session.exchange.pinned());
}

TEST_CASE("a function is asked about once, and its source tells what to ask for") {
  Tracked session;
  session.run("> Q(select tenant('7')) < C(SELECT 1) Z(I)");
  const std::string sources = session.next();
  CHECK(sources.find("pg_proc") != std::string::npos);
  session.answer("E(57014,too late) Z(I)");
  CHECK(session.next().find("pg_proc") == std::string::npos);
}

TEST_CASE("a question about code that fails for one client teaches the others nothing") {
  Tracked session;
  CodeCatalog& code = session.pool().code();
  SECTION("about functions") {
    session.run("> Q(select tenant('7')) < C(SELECT 1) Z(I)");
    CHECK(session.next().find("pg_proc") != std::string::npos);
    CHECK(session.answer("E(57014,too late) Z(I)").empty());
    FunctionQuestion question;
    CHECK(code.functions().judge("select tenant('7')", question).verdict == FunctionVerdict::unknown);
    CHECK(question.names == std::vector<std::string>{"tenant"});
  }
  SECTION("about triggers") {
    code.triggers().forget();
    session.run("> Q(insert into t values (1)) < C(INSERT 0 1) Z(I)");
    CHECK(session.next().find("pg_trigger") != std::string::npos);
    CHECK(session.answer("E(57014,too late) Z(I)").empty());
    CHECK(code.triggers().verdict() == FunctionVerdict::unknown);
  }
  // What it has left itself is asked for as a whole.
  CHECK(session.next().find("pg_settings") != std::string::npos);
}

TEST_CASE("a question about code is asked without timeouts, whether or not they are known") {
  Tracked session;
  session.run("> Q(select tenant('7')) < C(SELECT 1) Z(I)");
  CHECK(session.next().starts_with(
      "SET LOCAL statement_timeout TO 0;SET LOCAL lock_timeout TO 0;SET LOCAL jit TO 0;"));
}

TEST_CASE(
    "a trigger whose function has a name that cannot be asked about counts as opaque beside the others") {
  Tracked session;
  session.pool().code().triggers().forget();
  session.run("> Q(insert into t values (1)) < C(INSERT 0 1) Z(I)");
  CHECK(session.next().find("pg_trigger") != std::string::npos);
  session.answer("T(a,25) D(noted) D(tg__not_ascii__) C(SELECT 2) Z(I)");
  CHECK(session.next().find("'noted'") != std::string::npos);
  session.answer("T(a,25) D(noted,plpgsql,begin set app.noted = 'x'; return new; end,f,) C(SELECT 1) Z(I)");
  CHECK(session.next().find("pg_settings") != std::string::npos);
  const FunctionEffects learned = session.pool().code().triggers().effects();
  CHECK_FALSE(learned.all_named);
  CHECK(learned.settings == std::vector<std::string>{"app.noted"});
}

TEST_CASE(
    "a client that asked for a role at startup has it again after RESET ROLE, whatever the login gives") {
  const std::string role = GENERATE("owner", "none", "other");
  Tracked session;
  session.backend().default_role = "owner";
  session.exchange.client.startup = std::make_shared<const SettingMap>(SettingMap{{"role", role}});
  session.run("> Q(set role other; reset role) < C(SET) C(RESET) Z(I)");
  CHECK_FALSE(session.next().empty());
  session.answer("T(a,25) D(role,owner) C(SELECT 1) Z(I)");
  CHECK(session.desired("role") == role);
}

TEST_CASE("what was restored after a RESET is asked for, also where a DISCARD ALL came before it") {
  Tracked session;
  session.exchange.client.startup = session.exchange.worker.interner().intern({{"application_name", "a"}});
  // Several transactions are settled at once while a cancel is under way.
  session.exchange.journal.begin({{.kind = SettingsItem::Kind::discard_all}});
  session.exchange.journal.ended(true);
  session.exchange.journal.ready(TransactionStatus::idle);
  const bool has_reset = GENERATE(false, true);
  if (has_reset) {
    session.exchange.journal.begin({{.kind = SettingsItem::Kind::reset_all}});
    session.exchange.journal.ended(true);
    session.exchange.journal.ready(TransactionStatus::idle);
  }
  session.exchange.watch.marks.insert(Mark::discarded_all);
  session.exchange.watch.marks.insert(Mark::restored);
  CHECK(session.next().empty() != has_reset);
  if (!has_reset) CHECK(session.backend().applied->at("application_name") == "a");
}

TEST_CASE("a role that a client has set stays, also if it is the one that the login gives") {
  const std::string sql = GENERATE("set role owner", "reset role; set role owner");
  Tracked session;
  session.backend().default_role = "owner";
  session.exchange.client.startup = std::make_shared<const SettingMap>(SettingMap{{"role", "none"}});
  session.run("> Q(" + sql + ") < C(SET) Z(I)");
  CHECK_FALSE(session.next().empty());
  session.answer("T(a,25) D(role,owner) C(SELECT 1) Z(I)");
  CHECK(session.desired("role") == "owner");
}

TEST_CASE(
    "a batch that fails costs a client no value of a sequence that it took before, in the same pipeline") {
  Tracked session;
  session.pool().code().learn_sequence_use();
  session.exchange.sequences.number = 7;
  session.backend().sequence_owner = 3;
  session.run("> P(,select nextval('s')) B() E S");
  const bool is_discarded = GENERATE(true, false);
  // DISCARD SEQUENCES is in front, a message of pgweir's own.
  session.run(is_discarded ? "< C(DISCARD SEQUENCES) Z(I) 1 2 C(SELECT 1) Z(I)"
                           : "< E(57014,cancelled) Z(I) 1 2 C(SELECT 1) Z(I)");
  session.run("> Q(select 1/0) < E(22012,division by zero) Z(I)");
  CHECK(session.next().empty());
  CHECK(session.backend().sequence_owner == 7);
  CHECK(session.backend().sequence_mixed != is_discarded);
}
