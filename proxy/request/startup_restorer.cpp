#include "proxy/request/startup_restorer.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_named.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/state/sql_quote.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Settings whose value SET would take for one name of a list.
constexpr std::array<std::string_view, 5> lists_of_names = {"local_preload_libraries", "search_path",
                                                            "session_preload_libraries", "temp_tablespaces",
                                                            "unix_socket_directories"};

// "app"."tenant"
std::string quote_parts(std::string_view name) {
  std::string quoted;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    quoted += quote_identifier(name.substr(0, dot)) + '.';
    name.remove_prefix(dot + 1);
  }
  return quoted + quote_identifier(name);
}

// A SET may be the first statement of a transaction without taking its snapshot, as the client's RESET was. What it
// cannot say is left to set_config().
std::string restoring_statement(const std::string& name, const std::string& value, bool is_local) {
  const bool is_plain = !is_identity(name) && is_ascii(value) && name.size() <= identifier_size_max &&
                        !std::binary_search(lists_of_names.begin(), lists_of_names.end(), name);
  if (is_plain) return (is_local ? "SET LOCAL " : "SET ") + quote_parts(name) + " = " + quote_literal(value);
  std::string sql = make_prelude({}, {{name, value}}).sql;
  sql.pop_back();  // the semicolon
  if (is_local) sql.replace(sql.rfind(",false)"), 7, ",true)");
  return sql;
}

}  // namespace

// A RESET on the server returns to the server's default, which is not what the client brought at startup.
// `text` and `verb` are those of the message in hand, which has been noted.
bool StartupRestorer::loses_startup(Verb verb, std::string_view text) const {
  if (x_.client.startup->empty()) return false;
  const SetStatement* const set = x_.hand.set.get();
  if (set) return set->action != SetAction::set && set->scope != SetScope::transaction;
  return verb == Verb::discard && parse_discard(text) == DiscardTarget::all;
}

// Called after an extended DISCARD ALL. It has committed when it has succeeded, and what follows may be a
// statement that must be the first of its transaction: so the restoring statements get a transaction of their
// own, by a Sync that changes nothing. Before DISCARD ALL has succeeded, such a Sync could end the skipping
// after its error.
Progress StartupRestorer::restore_after_discard(FrontendType next) {
  if (!x_.tracker.skipping() && next != FrontendType::Sync) {
    if (!x_.tracker.idle()) return Progress::hold;
    ServerStream(x_).send_own_sync();
    x_.batch = {};
  }
  x_.restore_due = false;
  if (!x_.tracker.skipping()) restore();
  return Progress::done;
}

void StartupRestorer::restore() {
  const SetStatement* const set = x_.hand.set.get();
  const bool is_local = set && set->scope == SetScope::local;
  // There is one statement for each, because an extended message holds no more. The encoding comes first, as
  // the others are written in it.
  const auto restore = [this, is_local](const std::string& name, const std::string& value) {
    const std::string sql = restoring_statement(name, value, is_local);
    if (ServerStream(x_).insert_statement(sql, nullptr) == Progress::done && !is_local)
      x_.watch.marks.insert(Mark::restored);
  };
  const auto is_lost = [&](std::string_view name) {
    if (!set) return true;  // DISCARD ALL
    if (set->action == SetAction::reset_all) return !is_identity(name);
    // A RESET SESSION AUTHORIZATION resets the role, too.
    return name == set->name || (name == "role" && set->name == "session_authorization");
  };
  const auto encoding = x_.client.startup->find("client_encoding");
  if (encoding != x_.client.startup->end() && is_lost(encoding->first))
    restore(encoding->first, encoding->second);
  for (const auto& [name, value] : *x_.client.startup) {
    if (name != "client_encoding" && is_lost(name)) restore(name, value);
  }
}

}  // namespace pgweir
