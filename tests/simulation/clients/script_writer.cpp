#include "tests/simulation/clients/script_writer.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "tests/simulation/clients/expectation.hpp"
#include "tests/simulation/clients/message_writer.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::uint64_t holds_max = 6;

// Whether the session keeps its server connection from others.
bool holds(const SessionFacts& now) {
  return now.status != TransactionStatus::idle || !now.temporary_tables.empty() || now.advisory_locks > 0 ||
         !now.portals.empty();
}

struct Weight {
  StatementKind kind;
  unsigned weight;
};
constexpr Weight weights[] = {
    {StatementKind::rows, 30},        {StatementKind::error, 4},       {StatementKind::sleep, 8},
    {StatementKind::transaction, 18}, {StatementKind::setting, 16},    {StatementKind::role, 3},
    {StatementKind::table, 8},        {StatementKind::sql_prepare, 6}, {StatementKind::cursor, 4},
    {StatementKind::lock, 3},         {StatementKind::listen, 4},      {StatementKind::discard, 1},
    {StatementKind::ddl, 6},          {StatementKind::sequence, 4}};

// Statements that many clients prepare. What they mean depends on the search_path, the role and temporary tables. All take
// one parameter, a number. Those of the first list look the same whatever they mean.
constexpr std::string_view steady_texts[] = {"select $1::text, name from place",
                                             R"(select $1::text, name, 'a\\b' from place)",
                                             "select $1::text, current_user, current_setting('search_path'), "
                                             "coalesce(current_setting('app.tenant', true), "
                                             "'')",
                                             "select $1::text, name, size::text from public.board"};
// The columns of these, or the type of their parameter, are those of the table that they find.
constexpr std::string_view unsteady_texts[] = {"select *, $1::text from place",
                                               "select $1::text, size from place",
                                               "select name from place where size <> $1"};

// A DateStyle may name a style, an order or both; what it does not name stays as it is.
const std::vector<std::string> styles = {"iso", "mdy", "sql", "german", "sql, dmy", "postgres, ymd", "dmy"};

constexpr unsigned total_weight() {
  unsigned total = 0;
  for (const Weight& each : weights) total += each.weight;
  return total;
}

}  // namespace

void ScriptWriter::begin_session() {
  ++sessions_;
  holds_ = 0;
  planned_.clear();
  may_have_temporary_ = may_have_shared_ = has_own_place_ = may_have_own_table_ = has_own_sequence_ =
      may_have_zoned_ = false;
}

std::string ScriptWriter::nonce() {
  return "c" + std::to_string(client_) + "-" + std::to_string(++nonces_);
}

bool ScriptWriter::is_of_other(std::string_view text) const {
  const auto is_digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
  };
  for (std::size_t at = text.find('c'); at != std::string_view::npos; at = text.find('c', at + 1)) {
    std::size_t end = at + 1;
    int number = 0;
    while (is_digit(end)) number = 10 * number + (text[end++] - '0');
    const bool is_nonce = end > at + 1 && end < text.size() && text[end] == '-' && is_digit(end + 1);
    if (is_nonce && number != client_) return true;
  }
  return false;
}

// A nonce that is a number.
std::string ScriptWriter::number_word() {
  return std::to_string(client_ * 10'000'000 + ++nonces_);
}

std::string ScriptWriter::own_name(const std::string& prefix) const {
  return prefix + std::to_string(client_) + "_" + std::to_string(sessions_);
}

std::vector<StartupParameter> ScriptWriter::startup_parameters() {
  std::vector<StartupParameter> parameters;
  reported_ = {"timezone"};
  if (random_.chance(0.3)) {
    parameters.push_back({"application_name", nonce()});
  } else {
    reported_.emplace_back("application_name");
  }
  if (habits_.has(StatementKind::reported) && random_.chance(0.15)) {
    parameters.push_back({"DateStyle", random_.pick(styles)});
  } else {
    reported_.emplace_back("datestyle");
  }
  std::string options;
  if (random_.chance(0.15)) options = "-c search_path=tenant" + std::to_string(random_.below(3));
  // It stays so: texts are read again where they have to be prepared on another server connection (docs/limits.md).
  if (random_.chance(0.15)) options += " -c standard_conforming_strings=off -c escape_string_warning=off";
  if (!options.empty()) parameters.push_back({"options", options});
  if (random_.chance(0.1)) parameters.push_back({"app.tenant", nonce()});
  brings_settings_ = !parameters.empty();
  return parameters;
}

StatementKind ScriptWriter::kind() {
  if (habits_.favors > 0 && random_.chance(habits_.favors)) return habits_.favorite;
  std::uint64_t at = random_.below(total_weight());
  for (const Weight& each : weights) {
    if (at < each.weight) return each.kind;
    at -= each.weight;
  }
  return StatementKind::rows;
}

std::string ScriptWriter::statement() {
  const StatementKind which = kind();
  std::string text = statement_of(which);
  // Who has brought settings is not told all that changes where these are restored in the middle of a pipeline.
  if (is_beside_others_ && brings_settings_ && (text.starts_with("reset") || text.starts_with("discard")))
    return "select '" + nonce() + "'";
  return habits_.has(which) ? text : "select '" + nonce() + "'";
}

std::string ScriptWriter::statement_of(StatementKind kind) {
  switch (kind) {
    case StatementKind::error:
      return random_.chance(0.5) ? "select 1/0" : "select * from nowhere";
    case StatementKind::sleep:
      return "select pg_sleep(0.0" + std::to_string(random_.between(1, 9)) + "), '" + nonce() + "'";
    case StatementKind::transaction:
      return transaction_statement();
    case StatementKind::setting:
      return setting_statement();
    case StatementKind::role:
      return role_statement();
    case StatementKind::table:
      return table_statement();
    case StatementKind::sql_prepare:
      return prepare_statement();
    case StatementKind::cursor:
      return cursor_statement();
    case StatementKind::lock:
      return lock_statement();
    case StatementKind::listen:
      return listen_statement();
    case StatementKind::ddl:
      return ddl_statement();
    case StatementKind::sequence:
      return sequence_statement();
    case StatementKind::reported:
      return reported_statement();
    case StatementKind::portal:
      return look_at_effects();
    case StatementKind::discard:
      return random_.chance(0.5) ? "discard all" : "reset all";
    default:
      return rows_statement();
  }
}

std::string ScriptWriter::rows_statement() {
  if (random_.chance(0.7)) return "select '" + nonce() + "'";
  if (random_.chance(0.1))
    return "select '" + nonce() + std::string(random_.between(1, 20) * 10'000, '-') + "'";
  return "select '" + nonce() + "', g from generate_series(1, " + std::to_string(random_.between(1, 400)) +
         ") g";
}

std::string ScriptWriter::transaction_statement() {
  static const std::vector<std::string> all = {
      "begin",           "commit",           "rollback",          "begin",
      "commit",          "savepoint s",      "release s",         "rollback to s",
      "begin read only", "commit and chain", "rollback and chain"};
  return random_.pick(all);
}

std::string ScriptWriter::setting_statement() {
  if (habits_.has(StatementKind::reported) && random_.chance(0.25)) return reported_statement();
  const std::string name = random_.chance(0.5) ? "app.tenant" : "app.owner";
  switch (random_.below(12)) {
    case 0:
      return "set " + name + " = '" + nonce() + "'";
    case 1:
    case 2:
      return "set local " + name + " = '" + nonce() + "'";
    case 3:
      return "select set_config('" + name + "', '" + nonce() + "', true)";
    case 4:
      return "select set_config('" + name + "', '" + nonce() + "', false)";
    case 5:
      return "set statement_timeout = " + std::to_string(1'000 * random_.between(100, 200));
    case 6:
      return random_.chance(0.5) ? "reset statement_timeout" : "reset " + name;
    case 7:
      return "show statement_timeout";
    case 8:
      return "set search_path = tenant" + std::to_string(random_.below(3)) + ", public";
    case 9:
      return random_.chance(0.5) ? "reset search_path"
                                 : "set local search_path = tenant" + std::to_string(random_.below(3));
    default:
      return "select current_user, session_user, current_setting('search_path'), coalesce(current_setting('" +
             name + "', true), '')";
  }
}

// Who has brought a value is not told that it comes back where it is reset in a pipeline.
std::string ScriptWriter::reported_statement() {
  static const std::vector<std::string> zones = {"Asia/Tokyo", "Europe/Berlin", "America/New_York", "GMT"};
  const std::string& name = random_.pick(reported_);
  const std::string value = name == "datestyle"  ? random_.pick(styles)
                            : name == "timezone" ? random_.pick(zones)
                                                 : nonce();
  switch (random_.below(8)) {
    case 0:
      return "set local " + name + " = '" + value + "'";
    case 1:
      return "select set_config('" + name + "', '" + value + "', " +
             (random_.chance(0.5) ? "false)" : "true)");
    case 2:
      return "reset " + name;
    case 3:
      return "show " + name;
    case 4:
      return "select current_setting('datestyle'), current_setting('timezone'), "
             "current_setting('application_name')";
    default:
      return "set " + name + " = '" + value + "'";
  }
}

std::string ScriptWriter::role_statement() {
  switch (random_.below(3)) {
    case 0:
      return "set role other";
    case 1:
      return "reset role";
    default:
      return "select current_user, session_user";
  }
}

std::string ScriptWriter::table_statement() {
  if (habits_.has(StatementKind::shared) && random_.chance(0.3)) return place_statement();
  const std::string table = own_name("t");
  switch (random_.below(5)) {
    case 0:
      may_have_temporary_ = true;
      return "create temp table " + table + " (a text)";
    case 1:
      return "insert into " + table + " values ('" + nonce() + "')";
    case 2:
      return "drop table " + table;
    default:
      return "select * from " + table;
  }
}

// A temporary table that hides one which others see. PostgreSQL goes on using the hidden one in what was prepared before,
// but for the first temporary table of a session, which pgweir cannot tell from others (docs/limits.md).
std::string ScriptWriter::place_statement() {
  const std::uint64_t which = random_.below(4);
  if (which == 0 && may_hide_place_ && (!may_have_temporary_ || !may_have_shared_)) {
    may_have_temporary_ = true;
    return std::string("create temp table place (name text, size ") +
           (random_.chance(0.5) ? "int4)" : "text)");
  }
  if (which == 1)
    return "insert into pg_temp.place values ('" + nonce() + "', '" + std::to_string(random_.below(9)) + "')";
  if (which == 2 && has_own_place_) return "drop table pg_temp.place";
  return "select * from place";
}

// On a table of this session, which outlives it.
std::string ScriptWriter::ddl_statement() {
  const std::string table = "public." + own_name("d");
  switch (std::exchange(may_have_own_table_, true) ? random_.below(10) : 0) {
    case 0:
      return "create table if not exists " + table + " (a text, n int4)";
    case 2:
      return "alter table " + table + " add column x " + (random_.chance(0.5) ? "text" : "int4");
    case 3:
      return "alter table " + table + " drop column x";
    case 1:
    case 4:
      return "alter table " + table + " alter column n type " + (random_.chance(0.5) ? "text" : "int8");
    case 5:
      return "alter table " + table + " alter column n type int4 using n::int4";
    case 6:
      return random_.chance(0.3) ? "drop table if exists " + table
                                 : "select '" + nonce() + "', * from " + table;
    case 7:
      return "select * from " + table;
    default:
      return "insert into " + table + " (a, n) values ('" + nonce() + "', '" +
             std::to_string(random_.below(1'000)) + "')";
  }
}

// The values that a session has taken are its own. Nobody takes the next one of the shared sequence, which would depend on
// the others: they set it.
std::string ScriptWriter::sequence_statement() {
  const std::string own = "public." + own_name("q");
  if (!std::exchange(has_own_sequence_, true)) return "create sequence " + own;
  switch (random_.below(6)) {
    case 0:
      return std::string("select setval('") + ticket + "', " + number_word() + ")";
    case 1:
    case 2:
      return "select '" + nonce() + "', nextval('" + own + "')";
    case 3:
      return "select currval('" + own + "')";
    case 4:
      return std::string("select currval('") + ticket + "')";
    default:
      return random_.chance(0.1) ? "discard sequences" : "select lastval()";
  }
}

std::string ScriptWriter::prepare_statement() {
  const std::string name = random_.chance(0.7) ? "p" : "q";
  switch (random_.below(5)) {
    case 0:
    case 1:
      // What it sets when it is run stands in front of or behind what the same string sets itself.
      if (habits_.has(StatementKind::setting) && random_.chance(0.2))
        return "prepare " + name + " as select set_config('app.tenant', " +
               (random_.chance(0.5) ? "$1, false)" : "'" + nonce() + "', false), $1::text");
      return "prepare " + name + " as select '" + nonce() + "', $1::text";
    case 2:
      if (random_.chance(0.3)) return "deallocate all";
      return "deallocate " + (random_.chance(0.3) ? "g" : name);
    case 3:
      if (habits_.has(StatementKind::setting) && random_.chance(0.3)) return "execute g";
      if (habits_.has(StatementKind::shared)) return "execute h0('" + number_word() + "')";
      [[fallthrough]];
    default:
      return "execute " + name + "('" + nonce() + "')";
  }
}

std::string ScriptWriter::cursor_statement() {
  switch (random_.below(4)) {
    case 0:
      return "declare cur cursor with hold for select '" + nonce() + "', g from generate_series(1, 5) g";
    case 1:
      return "close cur";
    default:
      return "fetch 2 from cur";
  }
}

std::string ScriptWriter::lock_statement() {
  const std::string key = std::to_string(client_ * 1'000'000 + sessions_);
  return (random_.chance(0.5) ? "select pg_advisory_lock(" : "select pg_advisory_unlock(") + key + ")";
}

std::string ScriptWriter::listen_statement() {
  const std::string channel = random_.chance(0.5) ? own_name("ch") : Expectation::shared_channel;
  const std::uint64_t which = random_.below(4);
  if (which == 0) return "listen " + channel;
  if (which > 1) return "notify " + channel + ", '" + nonce() + "'";
  return random_.chance(0.5) ? "unlisten *" : "unlisten " + channel;
}

std::string ScriptWriter::setting_effect() {
  if (habits_.has(StatementKind::reported) && random_.chance(0.25)) return reported_statement();
  const std::string name = random_.chance(0.5) ? "app.tenant" : "app.owner";
  switch (random_.below(6)) {
    case 0:
    case 1:
      return "set " + name + " = '" + nonce() + "'";
    case 2:
      return "set local " + name + " = '" + nonce() + "'";
    case 3:
      return "select set_config('" + name + "', '" + nonce() + "', false)";
    case 4:
      return "set search_path = tenant" + std::to_string(random_.below(3)) + ", public";
    default:
      return "reset " + name;
  }
}

std::string ScriptWriter::effect(const SessionFacts& now) {
  static const std::vector<StatementKind> kinds = {StatementKind::setting,     StatementKind::setting,
                                                   StatementKind::role,        StatementKind::table,
                                                   StatementKind::sql_prepare, StatementKind::listen};
  const StatementKind kind = random_.pick(kinds);
  if (!habits_.has(kind)) return "select '" + nonce() + "'";
  switch (kind) {
    case StatementKind::role:
      return random_.chance(0.7) ? "set role other" : "reset role";
    case StatementKind::table: {
      const std::string table = own_name("t");
      if (std::count(now.temporary_tables.begin(), now.temporary_tables.end(), table) > 0)
        return random_.chance(0.5) ? "drop table " + table
                                   : "insert into " + table + " values ('" + nonce() + "')";
      may_have_temporary_ = true;
      return "create temp table " + table + " (a text)";
    }
    case StatementKind::sql_prepare: {
      const std::string name = random_.chance(0.5) ? "p" : "q";
      if (now.prepared.contains(name)) return "deallocate " + name;
      return "prepare " + name + " as select '" + nonce() + "', $1::text";
    }
    case StatementKind::listen: {
      const std::string channel = own_name("ch");
      const std::uint64_t which = random_.below(4);
      return which == 0   ? random_.chance(0.5) ? "unlisten *" : "unlisten " + channel
             : which == 1 ? "notify " + channel + ", '" + nonce() + "'"
                          : "listen " + channel;
    }
    default:
      return setting_effect();
  }
}

std::string ScriptWriter::look_at_effects() {
  switch (random_.below(5)) {
    case 0:
      if (habits_.has(StatementKind::listen)) return "notify " + own_name("ch") + ", '" + nonce() + "'";
      [[fallthrough]];
    case 1:
      if (habits_.has(StatementKind::sql_prepare))
        return std::string("execute ") + (random_.chance(0.5) ? "p" : "q") + "('" + nonce() + "')";
      [[fallthrough]];
    case 2:
      if (habits_.has(StatementKind::table)) return "select * from " + own_name("t");
      [[fallthrough]];
    default:
      return "select current_user, session_user, current_setting('search_path'), "
             "coalesce(current_setting('app.tenant', true), ''), coalesce(current_setting('app.owner', "
             "true), '')";
  }
}

// begin; savepoint a; X; savepoint b; Y; rollback to a; commit, and others like it. Then it looks at what is left of X and Y.
void ScriptWriter::plan_savepoints(const SessionFacts& now) {
  static const std::vector<std::string> names = {"a", "b"};
  const std::string first = random_.pick(names);
  std::string last = first;
  if (random_.chance(0.3)) planned_.push_back(effect(now));
  planned_.emplace_back("begin");
  if (random_.chance(0.3)) planned_.push_back(effect(now));
  planned_.push_back("savepoint " + first);
  planned_.push_back(effect(now));
  if (random_.chance(0.7)) {
    last = random_.pick(names);
    planned_.push_back("savepoint " + last);
    planned_.push_back(effect(now));
  }
  const std::string& target = random_.chance(0.5) ? first : last;
  if (random_.chance(0.2)) planned_.push_back("release " + target);
  planned_.push_back("rollback to " + (random_.chance(0.5) ? first : last));
  if (random_.chance(0.3)) planned_.push_back("release " + target);
  if (random_.chance(0.3)) planned_.push_back(effect(now));
  planned_.emplace_back(random_.chance(0.85) ? "commit" : "rollback");
  for (std::uint64_t looks = random_.between(1, 4); looks > 0; --looks) planned_.push_back(look_at_effects());
}

Batch ScriptWriter::planned() {
  const std::string text = planned_.front();
  planned_.pop_front();
  if (!habits_.has(StatementKind::extended) || random_.chance(0.7)) return simple(text);
  unnamed_.reset();
  return alone(text);
}

// By extended messages.
Batch ScriptWriter::alone(const std::string& text) const {
  Batch batch;
  batch.in_words = "[] " + text;
  MessageWriter(batch.bytes, 'P').text("").text(text).number(0, 2);
  MessageWriter(batch.bytes, 'B').text("").text("").number(0, 2).number(0, 2).number(0, 2);
  MessageWriter(batch.bytes, 'E').text("").number(0, 4);
  MessageWriter(batch.bytes, 'S');
  return batch;
}

Batch ScriptWriter::simple(const std::string& text) const {
  Batch batch;
  batch.in_words = text;
  MessageWriter(batch.bytes, 'Q').text(text);
  return batch;
}

// Named limits (docs/limits.md): a LISTEN in one message with others may hear what is notified while that runs; what a
// client has brought at its startup comes back only with the end of the string in which it is reset; in a failed transaction
// a server connection cannot be given the statements that a string names behind its ROLLBACK.
Batch ScriptWriter::query(bool has_failed) {
  may_hide_place_ = true;
  std::string text = statement();
  may_hide_place_ = false;
  if (has_failed) return simple(text);
  const auto is_alone = [&](const std::string& each) {
    return (brings_settings_ && each.starts_with("reset")) || each.starts_with("listen") ||
           each.starts_with("create temp table place");
  };
  if (text == "execute g" && habits_.has(StatementKind::several) && random_.chance(0.3)) {
    const std::string first = setting_effect();
    if (!is_alone(first)) text = first + "; " + text;
  }
  for (int more = 0; more < 3 && random_.chance(habits_.strings); ++more) {
    const std::string next = statement();
    if (habits_.has(StatementKind::several) && !is_alone(text) && !is_alone(next)) text += "; " + next;
  }
  return simple(text);
}

// What follows the first message is ignored where the statement fails.
Batch ScriptWriter::copy() {
  const std::string table = own_name("t");
  if (random_.chance(0.3)) return simple("copy " + table + " to stdout");
  Batch batch = simple("copy " + table + " from stdin");
  for (std::uint64_t n = random_.below(4); n > 0; --n) MessageWriter(batch.bytes, 'd').raw(nonce() + "\n");
  if (random_.chance(0.8)) {
    MessageWriter(batch.bytes, 'c');
  } else {
    MessageWriter(batch.bytes, 'f').text("given up");
  }
  return batch;
}

// On the table whose columns all clients change. Who does so holds no other lock that somebody waits for, and has not read
// it in the same transaction: two who had would wait for each other. What others read of it stays the same.
Batch ScriptWriter::change_board() {
  static const std::vector<std::string> types = {"int4", "int8", "text"};
  const std::string& type = random_.pick(types);
  const std::string column = "c" + std::to_string(client_) + "_" + std::to_string(++nonces_);
  const std::string change =
      "alter table public.board " + (random_.chance(0.5)
                                         ? "add column " + column + " text"
                                         : "alter column size type " + type + " using size::" + type);
  switch (random_.below(4)) {
    case 0:
      return simple("begin; " + change + "; rollback");
    case 1:
      return simple("begin; " + change);
    case 2: {
      Batch batch = simple(change);
      batch.bytes.clear();
      MessageWriter(batch.bytes, 'P').text("").text(change).number(0, 2);
      MessageWriter(batch.bytes, 'B').text("").text("").number(0, 2).number(0, 2).number(0, 2);
      MessageWriter(batch.bytes, 'E').text("").number(0, 4);
      MessageWriter(batch.bytes, 'S');
      return batch;
    }
    default:
      return simple(change);
  }
}

void ScriptWriter::add_bind(Batch& batch, const std::string& name, const std::string& value) {
  MessageWriter bind(batch.bytes, 'B');
  bind.text("").text(name).number(0, 2).number(1, 2).number(value.size(), 4).raw(value).number(0, 2);
}

// Over the table that ddl_statement() changes. A client that was told the columns of a statement, and does not ask again, gets
// the error of a stale plan as it would directly; another one gets the new columns (docs/limits.md). So who prepares one that
// may become stale asks right behind that, and never later.
void ScriptWriter::add_changing(Batch& batch) {
  const std::string table = "public." + own_name("d");
  const std::string name = "e" + std::to_string(random_.below(3));
  const bool parses = random_.chance(0.4);
  std::string sql = "again";
  if (parses) {
    static const std::vector<std::string> texts = {"select *, $1::text from ", "select n, $1::text from ",
                                                   "select a, $1::text from ", "delete from "};
    const std::string& text = random_.pick(texts);
    sql = text + table + (text.starts_with("delete") ? " where a = $1" : "");
    MessageWriter(batch.bytes, 'C').raw("S").text(name);
    MessageWriter(batch.bytes, 'P').text(name).text(sql).number(0, 2);
    MessageWriter(batch.bytes, 'D').raw("S").text(name);
  }
  const std::string value = nonce();
  add_bind(batch, name, value);
  is_stale_prone_ = true;
  batch.in_words += "[" + name + "] " + sql + " (" + value + "); ";
}

// The literal is read where the statement is analysed, and that is done again when others have changed the table: under the
// settings of the client whose statement it is. One that has changed its TimeZone may get either (docs/limits.md).
void ScriptWriter::add_zoned(Batch& batch) {
  const std::string name = "z" + std::to_string(random_.below(2));
  const std::string sql = std::string("select '") + Expectation::zoned_row +
                          "', $1::text, name, (timestamptz '2020-01-01 00:00')::text from public.board";
  const bool parses = random_.chance(0.4);
  if (parses) {
    may_have_zoned_ = true;
    MessageWriter(batch.bytes, 'C').raw("S").text(name);
    MessageWriter(batch.bytes, 'P').text(name).text(sql).number(0, 2);
    if (random_.chance(0.3)) MessageWriter(batch.bytes, 'D').raw("S").text(name);
  }
  const std::string value = number_word();
  add_bind(batch, name, value);
  batch.in_words += "[" + name + "] " + (parses ? sql : "again") + " (" + value + "); ";
}

// Where a statement has to be prepared on another server connection, it is what it would be now (docs/limits.md). A client
// that was told its columns gets the error of a stale plan then, as it would directly, and others get the new columns: so a
// client asks for those that may change. It does so behind the Parse, as what is broken is described in another way later
// (docs/limits.md).
void ScriptWriter::add_shared(Batch& batch) {
  if (habits_.has(StatementKind::zoned) && random_.chance(0.3)) return add_zoned(batch);
  const bool is_steady = random_.chance(0.5);
  const std::string name = (is_steady ? "h" : "k") + std::to_string(random_.below(2));
  const std::string_view sql = is_steady ? steady_texts[random_.below(std::size(steady_texts))]
                                         : unsteady_texts[random_.below(std::size(unsteady_texts))];
  const bool parses = random_.chance(0.5);
  if (parses) {
    may_have_shared_ = true;
    if (random_.chance(0.5)) MessageWriter(batch.bytes, 'C').raw("S").text(name);
    MessageWriter(batch.bytes, 'P').text(name).text(sql).number(0, 2);
    if (!is_steady || random_.chance(0.3)) MessageWriter(batch.bytes, 'D').raw("S").text(name);
  }
  const std::string value = number_word();
  add_bind(batch, name, value);
  batch.in_words += "[" + name + "] " + (parses ? std::string(sql) : "again") + " (" + value + "); ";
}

// EXECUTE runs it, too.
void ScriptWriter::add_named_setting(Batch& batch) {
  const bool parses = random_.chance(0.5);
  const std::string sql = "select set_config('app.tenant', '" + nonce() + "', false)";
  if (parses) {
    if (random_.chance(0.5)) MessageWriter(batch.bytes, 'C').raw("S").text("g");
    MessageWriter(batch.bytes, 'P').text("g").text(sql).number(0, 2);
  }
  MessageWriter(batch.bytes, 'B').text("").text("g").number(0, 2).number(0, 2).number(0, 2);
  batch.in_words += "[g] " + (parses ? sql : "again") + "; ";
}

void ScriptWriter::add_extended(Batch& batch) {
  is_stale_prone_ = false;
  if (habits_.has(StatementKind::shared) && random_.chance(0.4)) return add_shared(batch);
  if (habits_.has(StatementKind::ddl) && random_.chance(0.2)) return add_changing(batch);
  const bool favors_names = habits_.favors > 0 && habits_.favorite == StatementKind::sql_prepare;
  if (habits_.has(StatementKind::setting) && random_.chance(favors_names ? 0.2 : 0.05))
    return add_named_setting(batch);
  const bool is_named = random_.chance(0.4);
  const std::uint64_t which = random_.below(4);
  const std::string name = is_named ? "s" + std::to_string(which) : "";
  const bool is_unnamed_again = !is_named && unnamed_ && random_.chance(0.3);
  // The first two take a parameter.
  const bool has_parameter = is_named           ? which < 2
                             : is_unnamed_again ? unnamed_->has_parameter
                                                : random_.chance(0.4);
  const std::string sql = has_parameter ? "select '" + nonce() + "', $1::text"
                          : is_named    ? "select '" + nonce() + "'"
                                        : statement();
  const bool parses = is_named ? random_.chance(0.5) : !is_unnamed_again;
  if (!is_named && parses) {
    unnamed_.reset();
    if (sql.starts_with("select") && sql.find("place") == std::string::npos)
      unnamed_ = Unnamed{has_parameter, sql};
  }
  if (parses) MessageWriter(batch.bytes, 'P').text(name).text(sql).number(0, 2);
  if (is_named && random_.chance(0.2)) MessageWriter(batch.bytes, 'D').raw("S").text(name);
  MessageWriter bind(batch.bytes, 'B');
  bind.text("").text(name).number(0, 2);
  if (has_parameter) {
    const std::string value = nonce();
    bind.number(1, 2).number(value.size(), 4).raw(value);
  } else {
    bind.number(0, 2);
  }
  bind.number(0, 2);
  batch.in_words += "[" + name + "] " + (parses ? sql : "again") + "; ";
}

std::string ScriptWriter::statement_to_bind() {
  switch (random_.below(7)) {
    case 0:
      return "select '" + nonce() + "', g from generate_series(1, " + std::to_string(random_.between(1, 6)) +
             ") g";
    case 6:
      if (!habits_.has(StatementKind::setting)) return "select '" + nonce() + "'";
      return "select set_config('app.tenant', '" + nonce() + "', false)";
    case 1:
    case 2:
      return habits_.has(StatementKind::setting) ? setting_effect() : "select '" + nonce() + "'";
    case 3:
      return habits_.has(StatementKind::role) ? role_statement() : "select '" + nonce() + "'";
    default:
      return statement();
  }
}

// A name is bound to another statement before it was closed now and then, which is an error, and a portal that has ended with
// its transaction is run.
void ScriptWriter::add_portals(Batch& batch) {
  static const std::vector<std::string> names = {"", "", "o", "r"};
  unnamed_.reset();
  std::string portal;
  for (std::uint64_t n = random_.between(1, 3); n > 0; --n) {
    portal = random_.pick(names);
    if (!portal.empty() && random_.chance(0.7)) MessageWriter(batch.bytes, 'C').raw("P").text(portal);
    std::string sql = statement_to_bind();
    // What the client has brought comes back later than at once (docs/limits.md).
    if (brings_settings_ && (sql.starts_with("reset") || sql.starts_with("discard")))
      sql = "select '" + nonce() + "'";
    MessageWriter(batch.bytes, 'P').text("").text(sql).number(0, 2);
    MessageWriter(batch.bytes, 'B').text(portal).text("").number(0, 2).number(0, 2).number(0, 2);
    batch.in_words += "portal " + portal + ": " + sql + "; ";
    if (random_.chance(0.5)) continue;
    for (std::uint64_t runs = random_.between(1, 3); runs > 0; --runs) {
      const std::uint64_t rows = random_.below(4);  // 0: all
      MessageWriter(batch.bytes, 'E').text(portal).number(rows, 4);
      batch.in_words += "run " + std::to_string(rows) + "; ";
    }
  }
  if (random_.chance(0.3)) portal = random_.pick(names);
  if (random_.chance(0.7)) {
    MessageWriter(batch.bytes, 'E').text(portal).number(0, 4);
    batch.in_words += "run " + portal + "; ";
  }
  if (random_.chance(0.2)) MessageWriter(batch.bytes, 'C').raw("P").text(random_.pick(names));
}

Batch ScriptWriter::extended() {
  Batch batch;
  std::uint64_t n = random_.chance(0.3) ? random_.between(2, 4) : 1;
  is_beside_others_ = true;  // a Close may stand behind it, too
  for (; n > 0; --n) {
    const bool is_favorite = habits_.favors > 0 && habits_.favorite == StatementKind::portal;
    if (habits_.has(StatementKind::portal) && random_.chance(is_favorite ? 0.6 : 0.1)) {
      add_portals(batch);
      continue;
    }
    add_extended(batch);
    if (random_.chance(0.5) && !is_stale_prone_) MessageWriter(batch.bytes, 'D').raw("P").text("");
    MessageWriter(batch.bytes, 'E').text("").number(random_.chance(0.1) ? 2 : 0, 4);
    if (random_.chance(0.1))
      MessageWriter(batch.bytes, 'C').raw("S").text("s" + std::to_string(random_.below(4)));
    if (random_.chance(0.1)) MessageWriter(batch.bytes, 'H');
  }
  is_beside_others_ = false;
  MessageWriter(batch.bytes, 'S');
  return batch;
}

Batch ScriptWriter::next(const SessionFacts& now, bool is_pipelined) {
  may_have_shared_ = std::any_of(now.prepared.begin(), now.prepared.end(), [](const auto& each) {
    return each.first.starts_with("h") || each.first.starts_with("k");
  });
  has_own_place_ = std::count(now.temporary_tables.begin(), now.temporary_tables.end(), "place") > 0;
  // Its Parse was skipped where something before it in the batch has failed: an older statement is still there.
  const auto unnamed = now.prepared.find("");
  const bool is_older = unnamed_ && unnamed != now.prepared.end() && unnamed->second.text != unnamed_->sql;
  if (is_pipelined || now.status == TransactionStatus::failed || is_older) unnamed_.reset();
  holds_ = holds(now) ? holds_ + 1 : 0;
  if (!planned_.empty()) return planned();
  if (holds_ > 1 + random_.below(holds_max))
    return simple(now.status != TransactionStatus::idle ? "rollback" : "discard all");
  const bool is_at_rest = now.status == TransactionStatus::idle && !is_pipelined;
  if (is_at_rest && habits_.has(StatementKind::ddl) && random_.chance(0.01)) return change_board();
  const bool is_favorite = habits_.favors > 0 && habits_.favorite == StatementKind::transaction;
  if (is_at_rest && habits_.has(StatementKind::savepoints) && random_.chance(is_favorite ? 0.2 : 0.03)) {
    plan_savepoints(now);
    return planned();
  }
  const double which = static_cast<double>(random_.below(100));
  if (which < 4 && habits_.has(StatementKind::copy)) return copy();
  if (which < 45 && habits_.has(StatementKind::extended)) return extended();
  return query(now.status == TransactionStatus::failed);
}

Batch ScriptWriter::sleep(SimTime lasts) {
  char text[96];
  const std::string word = nonce();
  std::snprintf(text, sizeof text, "select pg_sleep(%.3f), '%s'",
                std::chrono::duration<double>(lasts).count(), word.c_str());
  Batch batch = simple(text);
  if (random_.chance(0.4) && habits_.has(StatementKind::extended)) {
    batch.bytes.clear();
    MessageWriter(batch.bytes, 'P').text("").text(text).number(0, 2);
    MessageWriter(batch.bytes, 'B').text("").text("").number(0, 2).number(0, 2).number(0, 2);
    MessageWriter(batch.bytes, 'E').text("").number(0, 4);
    MessageWriter(batch.bytes, 'S');
  }
  batch.word = word;
  batch.lasts = lasts;
  return batch;
}

Batch ScriptWriter::long_answer(std::size_t size) {
  const std::size_t row_size = size < 5'000'000 ? 2'000 : 20'000;
  return simple("select '" + nonce() + std::string(row_size, '-') + "', g from generate_series(1, " +
                std::to_string(size / row_size) + ") g");
}

Batch ScriptWriter::unsynced() {
  Batch batch;
  batch.in_words = "without Sync: ";
  add_extended(batch);
  MessageWriter(batch.bytes, 'E').text("").number(0, 4);
  return batch;
}

Batch ScriptWriter::unfinished() {
  const std::string row = std::string(ghost) + " " + nonce();
  const std::string insert = std::string("insert into ") + ledger + " values ('" + row + "')";
  const std::uint64_t which = habits_.has(StatementKind::extended) ? random_.below(4) : 3;
  if (which == 3) return simple("begin; " + insert);
  if (which == 2) {
    Batch batch = simple(std::string("copy ") + ledger + " from stdin");
    MessageWriter(batch.bytes, 'd').raw(row + "\n");
    return batch;
  }
  Batch batch;
  batch.in_words = "without Sync: " + insert;
  MessageWriter(batch.bytes, 'P').text("").text(insert).number(0, 2);
  MessageWriter(batch.bytes, 'B').text("").text("").number(0, 2).number(0, 2).number(0, 2);
  MessageWriter(batch.bytes, 'E').text("").number(0, 4);
  if (random_.chance(0.5)) MessageWriter(batch.bytes, 'H');
  return batch;
}

Batch ScriptWriter::last() {
  return simple("rollback");
}

}  // namespace pgweir::simulation
