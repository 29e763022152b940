#include "proxy/request/sql_names.hpp"

#include <algorithm>

#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/exchange/analysis_context.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/request/state_notes.hpp"
#include "proxy/request/statement_provider.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// How deep an EXECUTE of a statement that is an EXECUTE of another, and so on, is followed; one may name
// itself.
constexpr int naming_depth_max = 16;

// Statements that may name a prepared statement.
constexpr VerbSet naming_verbs{Verb::prepare, Verb::execute, Verb::deallocate, Verb::explain, Verb::create};

std::string with_name(std::string_view text, const NamedStatement& named, const Statement& statement) {
  if (statement.has_client_name) return std::string(text);
  const std::string_view server_name = statement.server_name;
  std::string renamed(text.substr(0, named.name_offset));
  renamed.append("\"").append(server_name).append("\"");
  return renamed += text.substr(named.name_offset + named.name_size);
}

}  // namespace

std::int32_t growth(std::string_view before, std::string_view after, const ClientSettings& client) {
  return static_cast<std::int32_t>(client.characters(after)) -
         static_cast<std::int32_t>(client.characters(before));
}

bool names_statement(Verb verb, std::string_view text) {
  if (!naming_verbs.contains(verb)) return false;
  return (verb != Verb::explain && verb != Verb::create) || executes_named(text).found;
}

// The server would send this notice if it still saw the client's name. It is sent only where no other message
// has to come before it.
void SqlNames::tell_cut(std::string_view text, const NamedStatement& named) {
  // On a connection of its own names the server does.
  if (x_.has_own_names()) return;
  if (named.name_size <= identifier_max || x_.tracker.outstanding() > x_.own.size()) return;
  const auto level = x_.client.desired->find("client_min_messages");
  if (level != x_.client.desired->end() && (level->second == "warning" || level->second == "error")) return;
  std::string whole = ascii_lower(text.substr(named.name_offset, named.name_size));
  if (whole.front() == '"') {
    whole.clear();
    const std::string_view quoted = text.substr(named.name_offset + 1, named.name_size - 2);
    for (std::size_t i = 0; i < quoted.size(); ++i) {
      whole += quoted[i];
      if (quoted[i] == '"') ++i;
    }
  }
  if (whole.size() <= identifier_max) return;
  const std::string message = "identifier \"" + whole + "\" will be truncated to \"" + named.name + '"';
  ErrorFields fields;
  fields.severity = "NOTICE";
  fields.code = sqlstate::name_too_long;
  fields.message = message;
  write_notice_response(x_.worker.to_client().own(), fields);
  x_.worker.to_client().end_own();
}

// EXECUTE, DEALLOCATE, EXPLAIN EXECUTE, or a PREPARE that takes a name again: the server knows the statement
// under pgweir's name. nullopt: nothing to rename.
std::optional<SqlNames::NamedUse> SqlNames::find_named(std::string_view text) const {
  std::optional<NamedStatement> named = executes_named(text).statement;
  if (!named) named = parse_named(text);
  if (!named || named->verb == NamedVerb::deallocate_all) return std::nullopt;
  StatementRef statement = x_.statements.find(named->name);
  if (!statement || statement->server_name.empty()) return std::nullopt;
  // There, the server says if the name is taken.
  if (statement->has_client_name && named->verb == NamedVerb::prepare) return std::nullopt;
  return NamedUse{*std::move(named), std::move(statement)};
}

// A prepared EXECUTE and the like looks for its name when it is run, not when it is parsed: what the name
// stands for now has to be on the backend, and the text that goes there has pgweir's name for it.
Progress SqlNames::resolve(StatementRef& statement, int depth) {
  if (!statement || depth > naming_depth_max || !names_statement(statement->effects.verb, statement->text))
    return Progress::done;
  if (x_.statements.has_undecided(x_.tracker.segment())) return Progress::hold;
  std::optional<NamedUse> use = find_named(statement->text);
  if (!use) return Progress::done;
  if (use->named.verb == NamedVerb::execute && resolve(use->statement, depth + 1) == Progress::hold)
    return Progress::hold;
  if (provide(use->statement) == Progress::hold) return Progress::hold;
  StateNotes(x_).note_use(statement->effects.verb, *use->statement, statement->text);
  if (use->statement->has_client_name) return Progress::done;
  const std::string text = with_name(statement->text, use->named, *use->statement);
  const bool is_unnamed = statement->server_name.empty();
  statement = is_unnamed ? unnamed_of(text, statement->parameter_types)
                         : x_.commons->statements().intern(text, statement->parameter_types,
                                                           analysis_context(x_).settings,
                                                           x_.commons->schema_version()->get());
  return Progress::done;
}

// A text may name a statement more than once. Whether the Parse that went out for the first of them succeeds is no
// matter: the server tells.
Progress SqlNames::provide(const StatementRef& statement) {
  if (std::count(provided_.begin(), provided_.end(), statement)) return Progress::done;
  StatementProvider provider(x_);
  if (settings_change_ || !for_query_) provider.expect_other_settings();
  const Progress progress =
      for_query_ ? provider.provide_for_query(statement) : provider.provide_named(statement);
  if (progress == Progress::done) provided_.push_back(statement);
  return progress;
}

// The backend's own unnamed statement, if it is the same.
StatementRef SqlNames::unnamed_of(std::string_view text, ByteView types) const {
  const StatementRef on_backend = x_.backend->statements.unnamed();
  const bool same =
      on_backend && on_backend->text == text && as_text(on_backend->parameter_types) == as_text(types);
  return same ? on_backend : make_unnamed(text, types, settings_of_unnamed(x_));
}

// The client's name that the statement drops when it is run: a DEALLOCATE, or an EXECUTE of one. Empty: none, or all.
std::string SqlNames::name_dropped_by(const Statement& statement, int depth) const {
  const Verb verb = statement.effects.verb;
  if (depth > naming_depth_max || (verb != Verb::deallocate && verb != Verb::execute)) return {};
  const std::optional<NamedStatement> named = parse_named(statement.text);
  if (!named) return {};
  if (named->verb == NamedVerb::deallocate) return named->name;
  const StatementRef executed = named->verb == NamedVerb::execute ? x_.statements.find(named->name) : nullptr;
  return executed ? name_dropped_by(*executed, depth + 1) : std::string();
}

// The same for a text that names a statement, of which EXPLAIN drops none.
std::string SqlNames::name_dropped(Verb verb, const NamedUse& use) const {
  if (verb == Verb::deallocate) return use.named.name;
  return verb == Verb::execute ? name_dropped_by(*use.statement) : std::string();
}

// A PREPARE of a new name gets a name of pgweir's on the server, so that other backends can get the
// statement, too. Where the backend may have the client's name already, unseen, the text goes out as it is,
// and the server says so.
std::string SqlNames::rename_prepare(std::string_view text, SqlNaming& naming) {
  const bool is_own = x_.has_own_names();
  if (x_.may_have_prepared() && !is_own) return {};
  const std::optional<NamedStatement> named = parse_named(text);
  if (!named || named->verb != NamedVerb::prepare) return {};
  if (!is_own && x_.statements.find(named->name)) return {};
  tell_cut(text, *named);
  const std::string_view rest = text.substr(named->name_offset + named->name_size);
  naming.name = named->name;
  const AnalysisContext context = analysis_context(x_);
  naming.statement =
      x_.commons->statements().make_by_sql(rest, named->body, context.is_certain ? context.settings : nullptr,
                                           text.substr(0, named->name_offset + named->name_size));
  if (is_own) {
    naming.statement = x_.commons->statements().make_named(naming.statement, named->name);
    return std::string(text);
  }
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + naming.statement->server_name + '"';
  return renamed += rest;
}

// A text that is not readable as a whole still has its first words and a name after them, unless a backslash
// may hide the end of a string or be part of a character.
bool SqlNames::may_name_statement(std::string_view text, const SqlEffects& effects) const {
  if (!x_.client.is_opaque(text)) return effects.verbs.intersects(naming_verbs);
  return text.find('\\') == std::string_view::npos && naming_verbs.contains(leading_verb(text)) &&
         is_single_statement(text);
}

// nullopt: the text goes out as it is.
std::optional<RequestDisposition> SqlNames::rewrite_named_query(std::string_view text,
                                                                const SqlEffects& effects,
                                                                Expected& expected) {
  if (x_.statements.has_undecided(x_.tracker.segment())) return RequestDisposition::hold;
  for_query_ = true;
  if (!is_single_statement(text)) return rewrite_string(text, effects, expected);
  SqlNaming naming;
  StatementRef statement;
  std::string renamed;
  if (std::optional<NamedUse> use = find_named(text)) {
    tell_cut(text, use->named);
    // `effects` does not know it of a text that is not readable as a whole.
    const Verb verb = leading_verb(text);
    std::string drops = name_dropped(verb, *use);
    if (use->named.verb == NamedVerb::execute && resolve(use->statement) == Progress::hold)
      return RequestDisposition::hold;
    if (provide(use->statement) == Progress::hold) return RequestDisposition::hold;
    StateNotes(x_).note_use(verb, *use->statement, text);
    renamed = with_name(text, use->named, *use->statement);
    expected.name_hash = StatementMap::hash_of(use->named.name);
    if (!drops.empty()) naming.drops.push_back(std::move(drops));
    statement = std::move(use->statement);
  } else {
    renamed = rename_prepare(text, naming);
    if (renamed.empty()) return std::nullopt;
    if (x_.statements.full()) return RequestDisposition::too_many_names;
    if (x_.tracker.may_insert_group()) {
      StatementProvider(x_).trim(1);
    } else {
      StatementProvider(x_).evict();
    }
    statement = naming.statement;
  }
  if (naming.statement || !naming.drops.empty()) x_.begin_naming(expected) = std::move(naming);
  expected.statement = statement;
  expected.grown_by = growth(text, renamed, x_.client);
  StateNotes(x_).note(effects, text);
  send_rewritten(renamed, expected);
  return RequestDisposition::taken;
}

// Several statements: renames in those that run a prepared one, in one that drops it, and in those that take its name
// again while it is there. Behind a DEALLOCATE of a name, or of all, the server's own answer about it is right. DISCARD
// ALL fails within a string.
std::optional<RequestDisposition> SqlNames::rewrite_string(std::string_view text, const SqlEffects& effects,
                                                           Expected& expected) {
  // On a connection of its own names all of them are right as they are.
  if (x_.statements.committed().empty() || x_.has_own_names()) return std::nullopt;
  settings_change_ = effects.may_set || effects.sets() || effects.runs_code() ||
                     effects.verbs.intersects({Verb::set, Verb::reset, Verb::discard}) ||
                     (effects.verbs.intersects(control_verbs) && !x_.journal.is_empty());
  SqlNaming naming;
  std::string rewritten;
  std::size_t copied = 0;
  bool keeps_names = true;
  StatementSplitter statements(text);
  for (SqlStatement part; keeps_names && statements.next(part);) {
    std::optional<NamedStatement> named = executes_named(part.text).statement;
    if (!named) named = parse_named(part.text);
    keeps_names = !named || named->verb != NamedVerb::deallocate_all;
    const bool is_known =
        named && keeps_names && !std::count(naming.drops.begin(), naming.drops.end(), named->name);
    StatementRef statement = is_known ? x_.statements.find(named->name) : nullptr;
    if (!statement || statement->server_name.empty()) {
      // Its tag is one of those that tell which names are gone.
      if (named && named->verb == NamedVerb::deallocate) naming.drops.emplace_back();
      continue;
    }
    std::string drops = name_dropped(part.verb, {*named, statement});
    if (named->verb == NamedVerb::execute && resolve(statement) == Progress::hold)
      return RequestDisposition::hold;
    if (provide(statement) == Progress::hold) return RequestDisposition::hold;
    StateNotes(x_).note_use(part.verb, *statement, part.text);
    if (!drops.empty()) naming.drops.push_back(std::move(drops));
    const std::size_t at = static_cast<std::size_t>(part.text.data() - text.data()) + named->name_offset;
    rewritten += text.substr(copied, at - copied);
    rewritten += '"' + statement->server_name + '"';
    copied = at + named->name_size;
    expected.statement = statement;
    expected.name_hash = StatementMap::hash_of(named->name);
    const std::string_view before = text.substr(at, named->name_size);
    naming.replaced.push_back({statement, std::move(named->name), x_.client.characters(rewritten),
                               growth(before, '"' + statement->server_name + '"', x_.client)});
  }
  if (copied == 0) return std::nullopt;
  rewritten += text.substr(copied);
  x_.begin_naming(expected) = std::move(naming);
  // Another name in it may be one that only the server knows.
  if (StateNotes(x_).may_run_unknown(effects, text)) StateNotes(x_).note(effects_of_anything(), text);
  StateNotes(x_).note(effects, text);
  send_rewritten(rewritten, expected);
  return RequestDisposition::taken;
}

void SqlNames::send_rewritten(std::string_view text, Expected& expected) {
  ServerStream(x_).note_query_sent(expected);
  write_query(x_.worker.to_server().own(), text);
  ServerStream(x_).forward_rewritten(std::move(expected));
}

}  // namespace pgweir
