// Statements that would change nothing in the session that sends them, and what the server would say to them:
// the reset and pool-return batches of drivers, mostly. pgweir answers these itself, without a backend.
//
// The rule is to answer only what is exactly true. The replies are the server's, byte for byte (PostgreSQL 15
// to 18), and nothing that the session can ask afterwards comes out differently. Where an error, a notice or
// an effect on the server is possible, or the text leaves a doubt, the server has to answer. It also has to
// answer where a client wants to know whether the server lives: SELECT 1 and an empty query are never
// answered here. It is assumed that pg_catalog's functions and their privileges are as initdb made them, and
// that the defaults of role, client_min_messages and search_path do not shadow them (ALTER ROLE ... SET).
// Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/bytes.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

// A session that has no backend (so nothing pins it), is owed nothing, and is in no transaction.
struct SessionFacts {
  // Never null. The settings that the client brought, what it has now, and the parameters that it was told.
  const SettingMap* startup;
  const SettingMap* desired;
  const ParameterMap* view;

  bool has_named_statements = false;  // by Parse or by PREPARE
  bool listens = false;               // to any channel
  bool has_sequence_values = false;   // currval or lastval might answer
};

struct LocalAnswer {
  // Everything before ReadyForQuery; like any Query the text also ends the unnamed statement and portal.
  ByteBuffer replies;
  // The session's desired map from now on; nullopt: unchanged. A SET to the value that was the default anyway
  // makes the value the session's own, which a later change of the default does not reach; a RESET may return
  // to a default that is not reported to the client.
  std::optional<SettingMap> desired;
};

// False: the server has to answer. The first bytes decide for most texts.
bool may_be_answered_locally(std::string_view text);

// nullopt: the server has to answer.
//
// Answers the text of a Query, which may be several statements: all of them are answered, or none. What
// drivers send on their own in Query messages can be answered; what they send by the extended protocol
// changes something or asks for something.
std::optional<LocalAnswer> answer_locally(std::string_view query, const SessionFacts& facts);

}  // namespace pgweir
