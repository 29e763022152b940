#include "proxy/settle/code_judge.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"
#include "proxy/code/function_source.hpp"
#include "proxy/exchange/server_stream.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

using Names = std::vector<std::string>;

struct Judged : RelayScript {
  // The next question, which is then under way; empty: there is none.
  std::string ask() {
    const std::optional<OwnQuestion> question = judge.next();
    if (!question) return {};
    ServerStream(exchange).send_own(question->which, question->sql);
    server();
    return question->sql;
  }
  void answer(const std::string& words) {
    run("< " + words);
    judge.take_answers(replies.events());
  }
  // The transaction has called a function of this body.
  void call_function(const std::string& body) {
    run("> Q(select f()) < C(SELECT 1) Z(I)");
    CHECK(ask().find("'f'") != std::string::npos);
    answer("T(a,25) D(f,plpgsql," + body + ",,) C(SELECT 1) Z(I)");
  }
  // Whether others share what was parsed while the code was not judged, now that it is.
  bool is_shared_when_judged() {
    const std::shared_ptr<Statement> own = pool().statements().make_own("select 1", {});
    exchange.code.presumed = {{own, settings, 1}};
    judge.judge_again();
    CHECK(exchange.code.presumed.empty());
    const bool is_shared = pool().statements().intern("select 1", {}, settings, 1) == own;
    CHECK(own->context == (is_shared ? settings : nullptr));
    return is_shared;
  }
  bool is_marked(Mark mark) const { return exchange.watch.marks.contains(mark); }
  CodeCatalog& code() { return pool().code(); }
  void apply(SettingMap settings) { backend().applied = worker().interner().intern(std::move(settings)); }

  const MapRef settings = worker().interner().intern({{"search_path", "mine"}});
  CodeJudge judge{exchange};
};

// A view, or whatever else runs without being named.
struct Viewed : Judged {
  Viewed() { code().definitions().forget(); }
  void see_views(const std::string& replies_to_question) {
    run("> Q(select * from v) < C(SELECT 1) Z(I)");
    CHECK(ask().find(definitions_name) != std::string::npos);
    answer(replies_to_question);
    judge.judge_again();
  }
};

// Everything is forgotten of the triggers of a database to which the transaction has written.
struct Fired : Judged {
  Fired() {
    code().triggers().forget();
    run("> Q(insert into t values (f())) < C(INSERT 0 1) Z(I)");
    CHECK(ask().find("pg_trigger") != std::string::npos);
  }
};

constexpr const char* lifted =
    "SET LOCAL statement_timeout TO 0;SET LOCAL lock_timeout TO 0;SET LOCAL jit TO 0;";

}  // namespace

TEST_CASE("code that is known raises no question, and leaves nothing in doubt") {
  Judged session;
  session.run("> Q(select upper('a')) Q(insert into t values (1)) < C(SELECT 1) Z(I) C(INSERT 0 1) Z(I)");
  CHECK(session.ask().empty());
  session.judge.judge_again();
  CHECK_FALSE(session.exchange.watch.touched());
}

TEST_CASE("a function's source tells which settings are in doubt, for this transaction and the next ones") {
  Judged session;
  session.call_function("begin set app.tenant = 'x'; end");
  CHECK(session.ask().empty());
  session.judge.judge_again();
  CHECK(session.exchange.journal.doubts() == Names{"app.tenant"});
  CHECK_FALSE(session.is_marked(Mark::unknown_names));
  session.exchange.journal.clear();

  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  CHECK(session.ask().empty());
  CHECK(session.exchange.journal.doubts() == Names{"app.tenant"});
}

TEST_CASE("what a function calls is asked for before it is judged") {
  Judged session;
  session.call_function("begin perform g(); end");
  CHECK(session.ask().find("'g'") != std::string::npos);
  session.answer("T(a,25) D(g,plpgsql,begin perform pg_advisory_lock(1); end,,) C(SELECT 1) Z(I)");
  CHECK(session.ask().empty());
  session.judge.judge_again();
  CHECK(session.exchange.watch.may_have_begun == PinSet{Pin::advisory_lock});
}

TEST_CASE("code of a C library that is not known keeps its client where it is, unless it is trusted") {
  Judged session;
  session.exchange.judgement.trust_unknown_code = GENERATE(false, true);
  const bool trusts = session.exchange.judgement.trust_unknown_code;
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  session.ask();
  session.answer("T(a,25) D(f,c,count_up,,/tmp/mine) C(SELECT 1) Z(I)");
  CHECK(session.is_shared_when_judged() == trusts);
  CHECK(session.exchange.watch.touched() == !trusts);
  CHECK(session.exchange.watch.may_have_begun.contains(Pin::unknown_code) == !trusts);
  CHECK(session.is_marked(Mark::unseen) == !trusts);
  // Now that the pool knows it, nothing is asked for.
  session.exchange.watch = {};
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  CHECK(session.ask().empty());
  CHECK(session.exchange.watch.may_have_begun.contains(Pin::unknown_code) == !trusts);
}

TEST_CASE("code of a C library that is known leaves no doubt") {
  Judged session;
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  session.ask();
  session.answer("T(a,25) D(f,c,ST_Within,,$libdir/postgis-3) C(SELECT 1) Z(I)");
  CHECK(session.ask().empty());
  session.judge.judge_again();
  CHECK_FALSE(session.exchange.watch.touched());
}

TEST_CASE("what the server does not tell of a function is suspected, and asked again next time") {
  Judged session;
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  session.ask();
  session.answer("E(57014,too late) Z(I)");
  CHECK(session.ask().empty());
  session.judge.judge_again();
  CHECK(session.is_marked(Mark::unseen));
  CHECK_FALSE(session.exchange.code.any());
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  CHECK(session.ask().find("'f'") != std::string::npos);
}

TEST_CASE("a transaction that has made code may have run another than the server shows") {
  Judged session;
  const bool has_made_code = GENERATE(false, true);
  session.call_function("begin end");
  if (has_made_code) session.exchange.watch.marks.insert(Mark::made_code);
  session.judge.judge_again();
  CHECK(session.is_marked(Mark::unseen) == has_made_code);
}

TEST_CASE("a definition that calls what leaves something makes pgweir read the definitions anew") {
  Judged session;
  const auto [text, body, forgets] = GENERATE(table<std::string, std::string, bool>({
      {"create index on t (f(a))", "begin set app.tenant = 'x'; end", true},
      {"create index on t (f(a))", "begin end", false},
      {"select f(1) as created", "begin set app.tenant = 'x'; end", false},
  }));
  CAPTURE(text, body);
  session.run("> Q(" + text + ") < C(CREATE INDEX) Z(I)");
  session.ask();
  session.answer("T(a,25) D(f,plpgsql," + body + ",,) C(SELECT 1) Z(I)");
  session.code().triggers().learn({});
  session.judge.judge_again();
  CHECK((session.code().triggers().verdict() == FunctionVerdict::unknown) == forgets);
}

// --- What was parsed in the meantime

TEST_CASE(
    "a statement parsed beside code that was not judged is shared if that has not changed how it is read") {
  Judged session;
  const std::string body =
      GENERATE("begin end", "begin set local app.tenant = 1; end", "begin set local search_path = x; end",
               "begin set search_path = x; end", "begin set local role x; end",
               "begin alter table t add b int; end", "begin execute x; end");
  session.call_function(body);
  CHECK(session.is_shared_when_judged() == (body == "begin end" || body.find("app.") != std::string::npos));
}

TEST_CASE("a statement parsed beside code of which the server does not tell is not shared") {
  Judged session;
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  session.ask();
  session.answer("E(57014,too late) Z(I)");
  CHECK_FALSE(session.is_shared_when_judged());
}

TEST_CASE("a statement parsed beside code that its transaction may have made is not shared") {
  Judged session;
  session.call_function("begin end");
  session.exchange.watch.marks.insert(Mark::made_code);
  CHECK_FALSE(session.is_shared_when_judged());
}

TEST_CASE("a statement parsed beside views is shared if none of them changes how it is read") {
  Viewed session;
  const bool has_set_path = GENERATE(false, true);
  const std::string body = has_set_path ? "select set_config('search_path'; 'x'; true)" : "select 1";
  session.run("> Q(select * from v) < C(SELECT 1) Z(I)");
  session.ask();
  session.answer("T(a,25) D(" + std::string(definitions_name) + ",sql," + body + ",,) C(SELECT 1) Z(I)");
  CHECK(session.is_shared_when_judged() == !has_set_path);
}

// --- Triggers

TEST_CASE("triggers are asked for first, and then their functions with all others that were called") {
  Fired session;
  session.answer("T(a,25) D(tg) C(SELECT 1) Z(I)");
  const std::string sources = session.ask();
  CHECK(sources.find("'f'") != std::string::npos);
  CHECK(sources.find("'tg'") != std::string::npos);
  session.answer(
      "T(a,25) D(f,sql,select 1,,) D(tg,plpgsql,begin set app.by = 'x'; return new; end,,) C(SELECT 2) Z(I)");
  session.judge.judge_again();
  CHECK(session.code().triggers().effects().settings == Names{"app.by"});
  CHECK(session.exchange.journal.doubts() == Names{"app.by"});
}

TEST_CASE("a database without triggers is not asked for them again") {
  Fired session;
  session.answer("T(a,25) C(SELECT 0) Z(I)");
  CHECK(session.code().triggers().is_free());
}

TEST_CASE("a statement parsed beside a write is shared if there is no trigger, and not if nobody knows") {
  Judged session;
  session.code().triggers().forget();
  session.run("> Q(insert into t values (1)) < C(INSERT 0 1) Z(I)");
  session.ask();
  const bool is_told = GENERATE(true, false);
  std::shared_ptr<Statement> own = session.pool().statements().make_own("select 1", {});
  session.exchange.code.presumed = {{own, session.settings, 1}};
  session.answer(is_told ? "T(a,25) C(SELECT 0) Z(I)" : "E(57014,too late) Z(I)");
  session.judge.judge_again();
  CHECK((session.pool().statements().intern("select 1", {}, session.settings, 1) == own) == is_told);
}

TEST_CASE("of more triggers than anybody would read each may do anything") {
  Fired session;
  std::string rows = "T(a,25)";
  for (std::size_t i = 0; i <= UnseenCode::functions_max; ++i) rows += " D(tg" + std::to_string(i) + ")";
  session.answer(rows + " C(SELECT) Z(I)");
  CHECK(session.is_marked(Mark::unseen));
  CHECK(session.code().triggers().verdict() == FunctionVerdict::suspicious);
  CHECK(session.ask().find("'tg0'") == std::string::npos);
}

// --- Views

TEST_CASE("views that take or ask for the values of sequences are known from then on") {
  const std::string body = GENERATE("select nextval('s')", "select currval('s')", "select 1");
  Viewed session;
  session.see_views("T(a,25) D(" + std::string(definitions_name) + ",sql," + body + ",,) C(SELECT 1) Z(I)");
  const bool advances = body.find("nextval") != std::string::npos;
  const bool reads = body.find("currval") != std::string::npos;
  CHECK(session.code().views_advance_sequences() == advances);
  CHECK(session.code().views_read_sequences() == reads);
  CHECK(session.code().uses_sequence_values() == reads);
  CHECK(session.is_marked(Mark::advances_sequence) == advances);
  CHECK(session.code().definitions().verdict() != FunctionVerdict::unknown);
}

TEST_CASE("views that could not be read are asked for again by the next transaction") {
  Viewed session;
  session.see_views("E(57014,too late) Z(I)");
  CHECK(session.is_marked(Mark::unseen));
  CHECK(session.code().definitions().verdict() == FunctionVerdict::unknown);
}

// --- Timeouts

TEST_CASE("a question is not ended by a timeout that the client has set for its own statements") {
  Judged session;
  session.apply({{"statement_timeout", "5"}});
  CHECK(unhurried(session.exchange, OwnQuery::check, "ASK").sql == "SET LOCAL statement_timeout TO 0;ASK");
  session.apply({{"statement_timeout", "10s"}});
  CHECK(unhurried(session.exchange, OwnQuery::check, "ASK").sql == "ASK");
}

TEST_CASE("a question about code lifts each timeout once, whichever the client has set") {
  Judged session;
  const std::string name = GENERATE("statement_timeout", "transaction_timeout", "work_mem");
  session.apply({{name, "5"}});
  session.run("> Q(select f()) < C(SELECT 1) Z(I)");
  const std::string own = name == "transaction_timeout" ? "SET LOCAL transaction_timeout TO 0;" : "";
  CHECK(session.ask().starts_with(own + lifted + "SELECT"));
}
