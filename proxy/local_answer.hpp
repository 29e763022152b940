// Statements that would change nothing in the session that sends them, and what the server would say to them:
// the reset and pool-return batches of drivers, mostly. pgweir answers these itself, without a backend.
//
// The rule: only what is exactly true. The replies are the server's, byte for byte (PostgreSQL 15 to 18), and
// nothing that the session can ask afterwards comes out differently. Where an error, a notice or an effect on
// the server is possible, or the text leaves a doubt, the server has to answer. So it does where somebody
// wants to know whether it lives: SELECT 1 is never answered here. Taken for granted: pg_catalog's functions
// and their privileges are as initdb made them, and the defaults of role, client_min_messages and search_path
// are not set to something that shadows them (ALTER ROLE ... SET). Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/bytes.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {

// A session that has no backend, is owed nothing, and is in no transaction.
struct SessionFacts {
  // Never null. The settings that the client brought, what it has now, and the parameters that it was told.
  const SettingMap* startup;
  const SettingMap* desired;
  const ParameterMap* view;

  bool pinned = false;                // something unreplayable is, or may be, left on a backend
  bool has_named_statements = false;  // by Parse or by PREPARE
  bool listens = false;               // to any channel
  bool has_sequence_values = false;   // currval or lastval might answer
  // The pool has a connection to the server that works, as far as is known. An empty query is how drivers ask
  // whether the database is there; without this it is passed on.
  bool server_is_up = false;
};

struct LocalAnswer {
  // One statement of the extended protocol: what Describe is told, RowDescription (in text format) or NoData.
  // A Query: empty.
  ByteBuffer description;
  // One statement: what Execute is told (without a row limit, if there is a description of rows). A Query:
  // everything before ReadyForQuery; like any Query it also ends the unnamed statement and portal.
  ByteBuffer replies;
  // The session's desired map from now on; nullopt: unchanged. A SET to the value that was the default anyway
  // makes it the session's own, which a later change of the default does not reach; a RESET may return to a
  // default that is not reported to the client.
  std::optional<SettingMap> desired;
};

// nullopt: the server has to answer. Decided by the first bytes for most texts.
//
// The text of a Query, which may be several statements: all of them are answered, or none.
std::optional<LocalAnswer> answer_locally(std::string_view query, const SessionFacts& facts);

// The text of a Parse without parameter types. What comes before the next Sync is one transaction, so this
// holds only when nothing but this one statement is executed before that Sync.
std::optional<LocalAnswer> answer_statement_locally(std::string_view statement, const SessionFacts& facts);

}  // namespace pgweir
