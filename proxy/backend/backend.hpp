// One server connection after its login. Thread rule: belongs to the session that has borrowed it, or to the
// pool (under its lock) while idle.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/bytes.hpp"
#include "protocol/framer.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/backend/backend_statements.hpp"
#include "proxy/backend/cancel_state.hpp"
#include "proxy/backend/pool_member.hpp"
#include "proxy/base/facts.hpp"
#include "proxy/net/outgoing.hpp"
#include "proxy/net/transport.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

struct Backend : PoolMember, std::enable_shared_from_this<Backend> {
  explicit Backend(std::size_t statements_max) : statements(statements_max) {}

  Transport transport;
  Framer framer{backend_rule};
  ByteBuffer carry;  // the beginning of a message that has not arrived whole
  Backlog backlog;   // what the server has not taken yet

  // What may be sent again, and what its client's names stood for in front of it, as far as it has changed them. See
  // Batch; here, because most clients have no backend.
  ByteBuffer kept_batch;
  std::vector<StatementMap::Earlier> kept_names;

  // The following is set at its login.
  std::uint32_t pid = 0;
  std::string login_user;
  std::string default_role = "none";       // the role that its login gave it
  bool default_path_is_temporary = false;  // the search_path that its login gave it has pg_temp
  bool proved_password = false;            // the server has asked for a password, and taken it
  Endpoint remote;
  Endpoint local;
  TimePoint opened{};
  std::string tls;  // version and cipher; empty: plain text

  ByteBuffer cancel_secret;
  MapRef parameters;        // as reported by ParameterStatus
  MapRef login_parameters;  // the same when it had logged in
  MapRef applied;           // settings that differ from a fresh login
  BackendStatements statements;

  // The session that last advanced a sequence here, whose value currval() and lastval() would show, and
  // whether an earlier session's values are still there, too. 0: there is none.
  std::uint64_t sequence_owner = 0;
  bool sequence_mixed = false;
  // The session that last had temporary objects here. The server process has had a temporary schema since then.
  // 0: there was none.
  std::uint64_t temporary_owner = 0;
  // Who it was before, while the transaction in which it changed is open.
  std::optional<std::uint64_t> temporary_owner_before;
  // The same while it is not certain that its session has made one.
  std::optional<std::uint64_t> temporary_owner_before_presumed;

  CancelState cancels;
};

// What a pool keeps as a member is always a Backend.
inline Backend& backend_of(PoolMember& member) {
  return static_cast<Backend&>(member);
}

}  // namespace pgweir
