#include "proxy/state/settings_journal.hpp"

#include <catch2/catch.hpp>

#include "proxy/state/settings_steps.hpp"

using namespace pgweir;
using Kind = SettingsItem::Kind;

namespace {

constexpr TransactionStatus idle = TransactionStatus::idle;
constexpr TransactionStatus in_transaction = TransactionStatus::in_transaction;
constexpr TransactionStatus failed = TransactionStatus::failed;

// A session that sends one statement after the other, and keeps its journal.
class Script {
 public:
  Script() = default;
  explicit Script(const SettingMap& startup) : startup_(startup), desired_(startup) {}
  Script(const Script&) = delete;

  // A statement that succeeds, and what ReadyForQuery says behind it.
  Script& run(std::string_view text, TransactionStatus status) {
    send(text);
    journal_.ended(true);
    journal_.ready(status);
    return *this;
  }
  Script& fail(std::string_view text, TransactionStatus status) {
    send(text);
    journal_.failed();
    journal_.ended(false);
    journal_.ready(status);
    return *this;
  }
  void send(std::string_view text) {
    SettingsStep step;
    const Verb verb = leading_verb(text);
    if (verb == Verb::set || verb == Verb::reset) {
      const auto set = parse_set(text);
      add_set(set ? &*set : nullptr, {}, step);
    } else if (verb == Verb::discard) {
      step.push_back({.kind = Kind::discard_all});
    } else if (verb == Verb::select) {
      add_set_config(find_set_config(text), nullptr, {}, step);
    } else {
      add_control(text, step);
    }
    journal_.begin(std::move(step));
  }
  SettingsJournal& journal() { return journal_; }
  // What the session has when all is over; doubts behind it.
  std::string end() {
    SettingMap applied;
    apply_settings(journal_.committed(), startup_, false, desired_, applied);
    std::string out;
    for (const auto& [name, value] : desired_) out += (out.empty() ? "" : " ") + name + "=" + value;
    for (const std::string& name : journal_.doubts()) out += " ?" + name;
    if (journal_.doubts_all()) out += " ?";
    journal_.clear();
    return out;
  }
  std::string in_force(const std::string& name) const {
    const std::optional<SettingMap> map = journal_.in_force(desired_, startup_);
    if (!map) return "unknown";
    const auto it = map->find(name);
    return it == map->end() ? "default" : it->second;
  }

 private:
  SettingsJournal journal_;
  SettingMap startup_;
  SettingMap desired_;
};

}  // namespace

TEST_CASE("outside of a transaction a SET stays when it has succeeded") {
  CHECK(Script().run("set work_mem = '1MB'", idle).end() == "work_mem=1MB");
  CHECK(Script().fail("set work_mem = 'nonsense'", idle).end().empty());
  CHECK(Script().run("set local work_mem = '1MB'", idle).end().empty());
  CHECK(Script().run("set work_mem = '1MB'", idle).run("reset work_mem", idle).end().empty());
  CHECK(Script().run("select set_config('app.a', 'v', false)", idle).end() == "app.a=v");
  CHECK(Script().run("select set_config('app.a', 'v', true)", idle).end().empty());
}

TEST_CASE("DISCARD ALL commits at once, whatever fails before the next ReadyForQuery") {
  Script script;
  script.run("set work_mem = '1MB'", idle);
  script.send("set lock_timeout = 5");
  script.journal().ended(true);
  script.send("discard all");
  script.journal().ended(true);
  script.send("set work_mem = '2MB'");
  script.journal().ended(true);
  CHECK(script.fail("select 1/0", idle).end().empty());
}

TEST_CASE("what a transaction sets stays with its COMMIT and goes with its ROLLBACK") {
  Script commits;
  commits.run("begin", in_transaction).run("set work_mem = '1MB'", in_transaction);
  commits.run("set local lock_timeout = 5", in_transaction);
  CHECK(commits.run("commit", idle).end() == "work_mem=1MB");

  Script rolls_back;
  rolls_back.run("begin", in_transaction).run("set work_mem = '1MB'", in_transaction);
  CHECK(rolls_back.run("rollback", idle).end().empty());

  Script fails;
  fails.run("set work_mem = '1MB'", in_transaction).fail("select 1/0", failed);
  CHECK(fails.run("commit", idle).end().empty());

  Script deferred;  // a constraint that is checked at the end
  deferred.run("set work_mem = '1MB'", in_transaction);
  CHECK(deferred.fail("commit", idle).end().empty());
}

TEST_CASE("ROLLBACK TO undoes what was set since its savepoint, and no more") {
  Script script;
  script.run("set work_mem = '1MB'", in_transaction).run("savepoint a", in_transaction);
  script.run("set work_mem = '2MB'", in_transaction).run("savepoint b", in_transaction);
  script.run("set lock_timeout = 1", in_transaction);
  CHECK(script.in_force("work_mem") == "2MB");
  script.run("rollback to savepoint a", in_transaction);
  CHECK(script.in_force("work_mem") == "1MB");
  CHECK(script.run("end", idle).end() == "work_mem=1MB");
}

TEST_CASE("a savepoint from before anything was set undoes all of it") {
  Script script;
  script.run("set search_path = 'a'", in_transaction);
  script.run("rollback to never_noted", in_transaction);
  CHECK(script.in_force("search_path") == "default");
  CHECK(script.run("commit", idle).end().empty());
}

TEST_CASE("RELEASE keeps what was set, and the newest savepoint of a name counts") {
  Script script;
  script.run("set work_mem = '1MB'", in_transaction).run("savepoint a", in_transaction);
  script.run("set work_mem = '2MB'", in_transaction).run("savepoint a", in_transaction);
  script.run("set work_mem = '3MB'", in_transaction).run("release savepoint a", in_transaction);
  script.run("rollback to a", in_transaction);
  CHECK(script.run("commit", idle).end() == "work_mem=1MB");
}

TEST_CASE("what is in force in the middle of a transaction") {
  Script script(SettingMap{{"search_path", "own"}});
  CHECK(script.in_force("search_path") == "own");
  script.run("set local search_path = 'tenant'", in_transaction);
  CHECK(script.in_force("search_path") == "tenant");
  CHECK_FALSE(script.journal().leaves_context());
  script.run("reset search_path", in_transaction);
  CHECK(script.in_force("search_path") == "own");
  script.send("set local search_path = 'next'");
  CHECK(script.in_force("search_path") == "unknown");  // nobody knows yet whether it succeeds
  script.journal().ended(true);
  CHECK(script.in_force("search_path") == "next");
  script.run("commit", idle);
  CHECK(script.in_force("search_path") == "own");
}

TEST_CASE("settings that analysis does not read leave the context as it is") {
  Script script;
  script.run("set local statement_timeout = 5", in_transaction);
  script.run("select set_config('app.tenant', 'a', false)", in_transaction);
  CHECK(script.journal().leaves_context());
  CHECK(script.journal().leaves_plans());
  script.run("set local search_path = a", in_transaction);
  CHECK_FALSE(script.journal().leaves_context());
  CHECK(script.journal().leaves_plans());
  script.run("set local role other", in_transaction);
  CHECK_FALSE(script.journal().leaves_plans());
}

TEST_CASE("between two pipelined statements what the first has set is in force") {
  Script script;
  script.run("set search_path = 'a'", idle);
  CHECK_FALSE(script.journal().leaves_context());
  CHECK(script.in_force("search_path") == "a");
}

TEST_CASE("a call that may be made never or twice is a doubt about its setting, if that lasts") {
  CHECK(Script().run("select set_config('app.a', x, false) from t", idle).end() == " ?app.a");
  CHECK(Script().run("select set_config('app.a', x, true) from t", idle).end().empty());
  CHECK(Script().run("select set_config(x, 'v', false) from t", idle).end() == " ?");
  Script script;
  script.run("select set_config('search_path', x, true) from t", in_transaction);
  CHECK(script.in_force("search_path") == "unknown");
  CHECK(script.journal().may_use_temporary_path());
  CHECK(script.run("commit", idle).end().empty());
  CHECK(script.in_force("search_path") == "default");
}

TEST_CASE("a doubt that was rolled back is none") {
  Script script;
  script.run("select set_config('app.a', x, false) from t", in_transaction);
  CHECK(script.run("rollback", idle).end().empty());
}

TEST_CASE("a string of statements that fails has done nothing, unless it has committed") {
  SettingsStep step;
  const auto set = parse_set("set work_mem = '1MB'");
  add_set(&*set, {}, step);
  Script script;
  script.journal().begin(step);
  script.journal().failed();
  script.journal().ended(false);
  script.journal().ready(idle);
  CHECK(script.end().empty());

  add_control("commit", step);
  script.journal().begin(step);
  script.journal().ended(false);
  script.journal().ready(idle);
  CHECK(script.end() == " ?work_mem");
}

TEST_CASE("what was open before a string that fails is in doubt, as the string may have committed it") {
  Script script;
  script.run("set work_mem = '1MB'", in_transaction);
  SettingsStep step;
  add_control(GENERATE("commit", "rollback", "savepoint s"), step);
  step.push_back({.kind = Kind::may_commit});
  script.journal().begin(step);
  script.journal().failed();
  script.journal().ended(false);
  script.journal().ready(idle);
  CHECK(script.end() == " ?work_mem");
}

TEST_CASE("of a step whose order is not known all is in doubt, with what was open before it") {
  Script script;
  script.run("set work_mem = '1MB'", in_transaction);
  script.journal().begin({{.kind = Kind::set, .name = "app.a", .value = "x"},
                          {.kind = Kind::rollback},
                          {.kind = Kind::unordered}});
  const bool succeeds = GENERATE(false, true);
  if (!succeeds) script.journal().failed();
  script.journal().ended(succeeds);
  script.journal().ready(idle);
  CHECK(script.journal().doubts() == std::vector<std::string>{"app.a", "work_mem"});
}

TEST_CASE("an implicit transaction that fails takes back what succeeded in it") {
  Script script;
  script.send("set work_mem = '1MB'");
  script.journal().ended(true);  // a message before the one that failed, in one batch
  script.journal().failed();
  script.journal().ready(idle);
  CHECK(script.end().empty());
}

TEST_CASE("startup settings come back with RESET, a role of theirs does not with NONE") {
  CHECK(Script(SettingMap{{"timezone", "UTC"}}).run("set timezone = 'Asia/Tokyo'", idle).end() ==
        "timezone=Asia/Tokyo");
  Script script(SettingMap{{"timezone", "UTC"}, {"role", "mine"}});
  CHECK(script.run("set timezone = 'Asia/Tokyo'", idle).run("reset all", idle).end() ==
        "role=mine timezone=UTC");
  CHECK(Script(SettingMap{{"role", "mine"}}).run("set role none", idle).end() == "role=none");
  CHECK(Script(SettingMap{{"role", "mine"}}).run("set session authorization other", idle).end() ==
        "role=none session_authorization=other");
}

TEST_CASE("more doubts than are followed are one about everything") {
  SettingsJournal journal;
  for (std::size_t i = 0; i <= SettingsJournal::doubts_max; ++i) journal.doubt("app.n" + std::to_string(i));
  CHECK(journal.doubts_all());
  journal.clear();
  CHECK(journal.doubts().empty());
  CHECK_FALSE(journal.doubts_all());
}

TEST_CASE("values of a Bind are read by number, format and type") {
  ByteBuffer rest;
  Writer w(rest);
  w.u16(4).u16(0).u16(1).u16(0).u16(1);
  w.u16(4);
  w.u32(5).text("app.a").u32(1).text("v").u32(0xffffffff).u32(1).u8(1);
  w.u16(0);
  const ByteBuffer types = {0, 4, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 16};
  const BoundValues values(rest, types);
  CHECK(values.text(1) == "app.a");
  CHECK(values.text(2) == "v");
  CHECK_FALSE(values.text(3));  // null
  CHECK_FALSE(values.text(4));  // no text
  CHECK(values.boolean(4) == true);
  CHECK_FALSE(values.text(5));
  CHECK_FALSE(values.text(0));
  for (std::size_t size = 0; size < rest.size(); ++size) {
    const BoundValues cut(ByteView(rest).first(size), types);
    for (unsigned number = 0; number < 6; ++number) {
      (void)cut.text(number);
      (void)cut.boolean(number);
    }
  }
}

TEST_CASE("bound names and values are followed, others are doubts") {
  ByteBuffer rest;
  Writer(rest).u16(0).u16(3).u32(5).text("app.a").u32(1).text("v").u32(1).text("f");
  const ByteBuffer types = {0, 0};
  const BoundValues values(rest, types);
  const auto step = [&](std::string_view text, const BoundValues* bound) {
    SettingsStep out;
    add_set_config(find_set_config(text), bound, {}, out);
    std::string spelled;
    for (const SettingsItem& item : out)
      spelled += (item.kind == Kind::doubt ? "?" : "") + item.name + "=" + item.value;
    return spelled;
  };
  CHECK(step("select set_config($1, $2, false)", &values) == "app.a=v");
  CHECK(step("select set_config($1, $2, $3)", &values) == "app.a=v");
  CHECK(step("select set_config($1, $2, true)", &values).empty());
  CHECK(step("select set_config($1, $2, false)", nullptr) == "?=");
  CHECK(step("select set_config('app.b', $4, false)", &values) == "?app.b=");
  CHECK(step("select set_config('app.b', 'x', $9)", &values) == "?app.b=");
}

TEST_CASE("a string with a whole transaction and a savepoint in it ends as PostgreSQL says") {
  SettingsStep step;
  for (const std::string_view text :
       {"set work_mem = '1MB'", "savepoint s", "set work_mem = '2MB'", "rollback to s", "commit"}) {
    if (leading_verb(text) == Verb::set) {
      const auto set = parse_set(text);
      add_set(set ? &*set : nullptr, {}, step);
    } else {
      add_control(text, step);
    }
  }
  Script script;
  script.journal().begin(step);
  script.journal().ended(true);
  script.journal().ready(idle);
  CHECK(script.end() == "work_mem=1MB");
}

TEST_CASE("an error that concerned no setting does not take back what is set after it") {
  Script script;
  script.journal().failed();
  if (!script.journal().is_empty()) script.journal().ready(idle);
  CHECK(script.journal().is_empty());
  CHECK(script.run("set work_mem = '1MB'", idle).end() == "work_mem=1MB");
}
