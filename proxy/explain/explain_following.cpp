#include "proxy/explain/explain_following.hpp"

#include <optional>

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_listen.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/sql_set_config.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "proxy/explain/explain_calls.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view known = "the client's, applied to whichever server connection it gets";
constexpr std::string_view asked =
    "the client's, applied to whichever server connection it gets; the server is asked for the value after "
    "the transaction";
constexpr std::string_view back =
    "as it was when the client connected, on whichever server connection it gets";
constexpr std::string_view gone = "gone when the transaction ends";

Names names_of(const std::string& name) {
  return name.empty() ? Names{} : Names{name};
}

// --- Settings

void explain_session_set(const SetStatement& set, bool alone, ExplainedStatement& out) {
  if (set.action == SetAction::reset_all)
    return out.add(EffectKind::follows, {}, "all settings are as they were when the client connected");
  if (set.name.empty())  // SET SESSION CHARACTERISTICS with several modes
    return out.add(EffectKind::follows, {"default_transaction_*"}, asked);
  if (set.action != SetAction::set) return out.add(EffectKind::follows, {set.name}, alone ? back : asked);
  out.add(EffectKind::follows, {set.name}, alone && set.value ? known : asked);
  const bool temporary = set.value && names_temporary(*set.value);
  if (set.name != "search_path" || !temporary) return;
  out.add(
      EffectKind::note, {"search_path"},
      "names without a schema may be created as temporary objects: the server is asked after each CREATE");
}

void explain_set(std::string_view text, bool alone, ExplainedStatement& out) {
  const std::optional<SetStatement> set = parse_set(text);
  if (!set) {
    return out.add(EffectKind::follows, {},
                   "it is not understood which setting it is; the server is asked for all of them after the "
                   "transaction");
  }
  switch (set->scope) {
    case SetScope::session:
      return explain_session_set(*set, alone, out);
    case SetScope::local:
      return out.add(EffectKind::transaction, names_of(set->name), gone);
    case SetScope::transaction:
      return out.add(EffectKind::transaction, names_of(set->name), "concerns the running transaction only");
  }
}

// What is bound is known when it is bound.
bool is_shown(const ConfigArgument& argument) {
  return argument.kind == ConfigArgument::Kind::literal || argument.kind == ConfigArgument::Kind::parameter;
}

void explain_set_config(const SetConfigUse& use, ExplainedStatement& out) {
  Names followed;
  Names doubtful;
  Names local;
  bool unnamed = use.hides_calls;
  for (const SetConfigCall& call : use.calls) {
    const bool named = call.name.kind == ConfigArgument::Kind::literal;
    const std::string name = named ? ascii_lower(call.name.text) : "set_config";
    if (call.is_local.kind == ConfigArgument::Kind::literal && boolean_value(call.is_local.text) == true) {
      local.push_back(name);
    } else if (!is_shown(call.name)) {
      unnamed = true;
    } else {
      (use.is_plain && is_shown(call.value) ? followed : doubtful).push_back(name);
    }
  }
  if (!followed.empty()) out.add(EffectKind::follows, std::move(followed), known);
  if (!doubtful.empty()) out.add(EffectKind::follows, std::move(doubtful), asked);
  if (!local.empty()) out.add(EffectKind::transaction, std::move(local), gone);
  if (!unnamed) return;
  out.add(
      EffectKind::follows, {"set_config"},
      "the server is asked for all settings after the transaction; one with a dot in its name is reset then");
}

// --- Prepared statements

// PREPARE TRANSACTION 'gid'.
bool is_two_phase(std::string_view text) {
  SqlCursor cursor(text, {});
  cursor.advance();
  return cursor.at_word("transaction") && cursor.following().kind != TokenKind::word;
}

void explain_prepare(std::string_view text, bool alone, ExplainedStatement& out) {
  const std::optional<NamedStatement> named = parse_named(text);
  if (named && alone) {
    return out.add(EffectKind::follows, {named->name},
                   "the client's, prepared on whichever server connection it gets before it is used there");
  }
  if (!named && is_two_phase(text)) return;
  out.add_pin(Pin::sql_prepare, named ? "sent as a Query of its own it would follow the client" : "");
}

// EXECUTE, EXPLAIN EXECUTE, CREATE TABLE ... AS EXECUTE.
void explain_execute(std::string_view text, ExplainedStatement& out) {
  const ExecutedName executed = executes_named(text);
  if (!executed.found) return;
  out.doubts.insert(Doubt::prepared_statements);
  if (executed.statement) {
    return out.add(
        EffectKind::judged, {executed.statement->name},
        "prepared on the server connection first if it is not there; what it contains counts as if "
        "it were written here");
  }
  out.add(EffectKind::judged, {},
          "the prepared statement's name is not understood; the text goes out as it is");
}

void explain_deallocate(std::string_view text, ExplainedStatement& out) {
  const std::optional<NamedStatement> named = parse_named(text);
  const bool all = named && named->verb == NamedVerb::deallocate_all;
  out.add(EffectKind::note, named ? names_of(named->name) : Names{},
          all ? "the client's prepared statements are gone" : "the client's prepared statement is gone");
}

// --- The rest

void explain_cursor(std::string_view text, ExplainedStatement& out) {
  SqlCursor cursor(text, {});
  cursor.advance();
  std::string name;
  if (!identifier_name(cursor.current(), name)) name.clear();
  out.add(EffectKind::transaction, names_of(name), "the cursor is closed when the transaction ends");
}

void explain_channel(const SqlStatement& statement, ExplainedStatement& out) {
  const std::optional<ListenStep> step = parse_listen(statement.text);
  const bool listens = statement.verb == Verb::listen;
  out.add(EffectKind::served, step ? names_of(step->name) : Names{},
          listens ? "the pool's listening connection passes notifications on from the commit on"
                  : "the pool's listening connection stops passing notifications on with the commit");
}

void explain_alter(std::string_view text, ExplainedStatement& out) {
  SqlCursor cursor(text, {});
  cursor.advance();
  bool has_defaults = false;
  for (const std::string_view object : {"role", "user", "group", "database"})
    has_defaults |= cursor.at_word(object);
  if (!has_defaults) return;
  out.add(EffectKind::note, {},
          "a changed default reaches all clients of the pool with their next transaction");
}

void explain_verb(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                  ExplainedStatement& out) {
  switch (statement.verb) {
    case Verb::set:
    case Verb::reset:
      return explain_set(statement.text, context.alone, out);
    case Verb::prepare:
      return explain_prepare(statement.text, context.alone, out);
    case Verb::execute:
    case Verb::explain:
    case Verb::create:
      return explain_execute(statement.text, out);
    case Verb::deallocate:
      return explain_deallocate(statement.text, out);
    case Verb::declare:
      if (effects.facts.contains(SqlFact::declares_cursor_with_hold)) return;
      return explain_cursor(statement.text, out);
    case Verb::listen:
    case Verb::unlisten:
      if (!context.channels_followed) return;
      return explain_channel(statement, out);
    case Verb::discard:
      if (parse_discard(statement.text) != DiscardTarget::all) return;
      return out.add(
          EffectKind::follows, {},
          "all settings are as they were when the client connected; its prepared statements are gone");
    case Verb::alter:
      return explain_alter(statement.text, out);
    case Verb::lock:
      return out.add(EffectKind::transaction, {}, "the lock is released when the transaction ends");
    case Verb::begin:
    case Verb::start:
      return out.add(EffectKind::note, {},
                     "the client keeps its server connection until the transaction ends; that is not a pin");
    default:
      return;
  }
}

}  // namespace

void explain_following(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                       ExplainedStatement& out) {
  explain_verb(statement, effects, context, out);
  const ExplainedCalls calls = explain_calls(statement.text);
  explain_set_config(find_set_config(statement.text), out);
  if (calls.transaction_lock) {
    out.add(EffectKind::transaction, {}, "the advisory lock is released when the transaction ends");
  }
}

}  // namespace pgweir
