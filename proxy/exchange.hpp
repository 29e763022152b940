// What the two directions of one session share: the client's names and settings, the backend that it has at
// the moment, and what that backend still owes. The request path and the reply path work on it; the session
// owns it. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/response_tracker.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/backend.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {

class Pool;
class Worker;

// Queries of our own; their replies never reach the client.
enum class OwnQuery : std::uint8_t { prelude, settings, reset_settings, rollback, reset, nothing };

// Why a session keeps its backend between transactions. A set of bits.
enum class Pin : std::uint8_t { session_mode = 1, listen = 2, sql_prepare = 4, load = 8 };

// What the transactions since the last settled moment did to the session's settings, as far as tags and texts
// tell.
struct SettingsWatch {
  unsigned statements = 0;          // Query and Execute messages
  std::optional<SetStatement> set;  // the only one of them, if its text is a plain SET or RESET
  unsigned set_tags = 0;            // CommandComplete SET or RESET
  unsigned local_sets = 0;          // statements whose SET cannot outlive their transaction
  bool discarded_all = false;
  bool unseen = false;         // something ran that changes settings without a tag
  bool unknown_names = false;  // and they may be custom ones, which the server does not list
  bool failed = false;         // an error was seen: some of the statements did not happen

  bool touched() const { return discarded_all || unseen || (failed ? set_tags > 0 : set_tags > local_sets); }
};

struct Exchange {
  Exchange(Worker& w, const MapRef& none) : worker(w), startup(none), desired(none), view(none) {}

  Worker& worker;
  Pool* pool = nullptr;
  Backend* backend = nullptr;
  bool forwarded = false;  // something of the client's went to this backend since it was borrowed

  StatementMap statements;
  ResponseTracker tracker;

  MapRef startup;        // what the client brought
  MapRef desired;        // what it has now
  MapRef view;           // the parameters that it was told
  bool greeted = false;  // it has been told any
  SettingsWatch watch;
  std::vector<std::string> custom_names;  // settings with a dot that it has set
  std::vector<OwnQuery> own;              // under way, oldest first
  SettingMap own_rows;                    // what OwnQuery::settings has answered so far
  std::string own_error_code;             // of a prelude that failed
  std::string own_error_message;
  bool own_failed = false;  // a rollback or reset did not work: the backend cannot be trusted
  std::uint8_t pins = 0;
  // A Query went out between extended messages and their Sync. PostgreSQL 18 fails the next statement of such
  // a backend (XX000, unexpected state STARTED), which must not be another client's.
  bool mixed_protocols = false;
  bool copy_portal = false;  // a portal may run a COPY
  StatementRef set_portal;   // the SET or RESET that was bound last, if the last Bind was one

  // The name in a SQL-level DEALLOCATE that was forwarded.
  std::string deallocates;

  // Between asking the server for the settings and acting on the answer, nothing may change them.
  bool asks_for_settings() const {
    return !own.empty() && (own.front() == OwnQuery::settings || own.front() == OwnQuery::reset_settings);
  }
  bool pinned() const { return pins != 0; }
  void pin(Pin reason) { pins |= static_cast<std::uint8_t>(reason); }
};

}  // namespace pgweir
