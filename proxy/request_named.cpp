// Client to server: SQL that makes, runs or drops a prepared statement by its name. The server knows it by
// ours.
#include "protocol/error_response.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/pool.hpp"
#include "proxy/request_path.hpp"
#include "proxy/worker.hpp"

namespace pgweir {

using Disposition = RequestPath::Disposition;

// The server would say so, if it still saw the name. Only where nothing else is to be said before.
void RequestPath::tell_cut(std::string_view text, const NamedStatement& named) {
  if (named.name_size <= identifier_max || x_.tracker.outstanding() > x_.own.size()) return;
  const auto level = x_.desired->find("client_min_messages");
  if (level != x_.desired->end() && (level->second == "warning" || level->second == "error")) return;
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
  fields.code = "42622";
  fields.message = message;
  write_notice_response(x_.worker.to_client().own(), fields);
  x_.worker.to_client().end_own();
}

// EXECUTE, DEALLOCATE, EXPLAIN EXECUTE, or a PREPARE that takes a name again: the server knows the statement
// under our name. Empty: nothing to rename.
std::string RequestPath::rename_statement(std::string_view text, StatementRef& statement,
                                          std::uint32_t& name_hash) {
  std::optional<NamedStatement> named = executes_named(text).statement;
  if (!named) named = parse_named(text);
  if (!named || named->verb == NamedVerb::deallocate_all) return {};
  statement = x_.statements.find(named->name);
  if (!statement || statement->server_name.empty()) return {};
  name_hash = StatementMap::hash_of(named->name);
  tell_cut(text, *named);
  if (named->verb == NamedVerb::deallocate) {
    x_.naming_name = named->name;
    x_.naming_statement.reset();
  }
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + statement->server_name + '"';
  return renamed += text.substr(named->name_offset + named->name_size);
}

// A PREPARE of a new name: it gets a name of ours on the server, so that it can be made on others, too. Where
// the backend may have that name already, unseen by us, it goes out as it is, and the server says so.
std::string RequestPath::rename_prepare(std::string_view text) {
  if (x_.may_have_prepared()) return {};
  const std::optional<NamedStatement> named = parse_named(text);
  if (!named || named->verb != NamedVerb::prepare || x_.statements.find(named->name)) return {};
  tell_cut(text, *named);
  const std::string_view rest = text.substr(named->name_offset + named->name_size);
  x_.naming_name = named->name;
  x_.naming_statement = x_.pool->statements().make_by_sql(rest, named->body);
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + x_.naming_statement->server_name + '"';
  return renamed += rest;
}

// A text that is not readable as a whole still has its first words and a name behind them, unless a backslash
// may hide the end of a string or be part of a character.
bool RequestPath::may_name_statement(std::string_view text, const SqlEffects& effects) const {
  constexpr VerbSet naming{Verb::prepare, Verb::execute, Verb::deallocate, Verb::explain, Verb::create};
  if (!x_.is_opaque(text)) return effects.verbs.intersects(naming);
  return text.find('\\') == std::string_view::npos && naming.contains(leading_verb(text)) &&
         is_single_statement(text);
}

// nullopt: the text goes out as it is.
std::optional<Disposition> RequestPath::rewrite_named_query(std::string_view text, Expected& expected) {
  if (!is_single_statement(text)) return rewrite_string(text, expected);
  x_.naming_name.clear();
  x_.naming_statement.reset();
  StatementRef statement;
  std::uint32_t name_hash = 0;
  std::string renamed = rename_statement(text, statement, name_hash);
  if (renamed.empty()) {
    renamed = rename_prepare(text);
    if (renamed.empty()) return std::nullopt;
    if (x_.statements.full()) return Disposition::too_many_names;
    if (x_.tracker.may_insert_group()) {
      trim(1);
    } else {
      evict();
    }
    statement = x_.naming_statement;
  } else {
    if (!provide_for_query(statement)) return Disposition::hold;
    note_named(*statement);
    expected.name_hash = name_hash;
  }
  x_.naming = !x_.naming_name.empty();
  expected.statement = statement;
  expected.longer =
      static_cast<std::uint32_t>(renamed.size() > text.size() ? renamed.size() - text.size() : 0);
  send_rewritten(renamed, expected);
  return Disposition::taken;
}

// Several statements: those among them that run a prepared one, one that drops it, and those that take its
// name again while it is there.
std::optional<Disposition> RequestPath::rewrite_string(std::string_view text, Expected& expected) {
  if (x_.statements.committed().empty()) return std::nullopt;
  std::string rewritten;
  std::size_t copied = 0;
  std::string dropped;
  bool keeps_names = true;
  StatementSplitter statements(text);
  for (SqlStatement part; statements.next(part);) {
    std::optional<NamedStatement> named = executes_named(part.text).statement;
    const bool drops = part.verb == Verb::deallocate || part.verb == Verb::discard;
    if (!named && (drops || (part.verb == Verb::prepare && keeps_names))) named = parse_named(part.text);
    if (drops) keeps_names = false;
    const StatementRef statement = named ? x_.statements.find(named->name) : nullptr;
    if (!statement || statement->server_name.empty()) continue;
    if (!provide_for_query(statement)) return Disposition::hold;
    note_named(*statement);
    if (named->verb == NamedVerb::deallocate) dropped = named->name;
    const std::size_t at = static_cast<std::size_t>(part.text.data() - text.data()) + named->name_offset;
    rewritten += text.substr(copied, at - copied);
    rewritten += '"' + statement->server_name + '"';
    copied = at + named->name_size;
    expected.statement = statement;
    expected.name_hash = StatementMap::hash_of(named->name);
  }
  if (copied == 0) return std::nullopt;
  rewritten += text.substr(copied);
  x_.naming = !dropped.empty();
  x_.naming_name = std::move(dropped);
  x_.naming_statement.reset();
  send_rewritten(rewritten, expected);
  return Disposition::taken;
}

void RequestPath::send_rewritten(std::string_view text, Expected& expected) {
  begin_query(expected);
  write_query(x_.worker.to_server().own(), text);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect(std::move(expected), sink_);
}

// A Parse of an EXECUTE or DEALLOCATE: the statement that it names has to be there, under our name, by its
// Execute.
Disposition RequestPath::take_naming_parse(const Piece& piece, const ParseView& parse) {
  StatementRef named;
  std::uint32_t name_hash = 0;
  const std::string renamed = rename_statement(parse.text, named, name_hash);
  if (!parse.name.empty())
    return take_named_parse(parse.name, renamed.empty() ? parse.text : renamed, parse.parameter_types);
  if (!renamed.empty() && !provide_named(named)) return Disposition::hold;
  if (named) note_named(*named);
  const StatementRef statement = make_unnamed(renamed.empty() ? parse.text : renamed, parse.parameter_types);
  guard_batch(*statement);
  x_.statements.begin_put({}, statement);
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  Expected expected{.reply = Reply::parse, .names = true, .holds = true, .statement = statement};
  if (renamed.empty()) return forward(piece, std::move(expected));
  write_parse(x_.worker.to_server().own(), {}, renamed, parse.parameter_types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect(std::move(expected), sink_);
  return Disposition::taken;
}

}  // namespace pgweir
