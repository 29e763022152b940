// What the two directions of one session share: the client's names and settings, the backend that it has at
// the moment, and what that backend still owes. The request path and the reply path work on it; the session
// owns it. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/response_tracker.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/base/pin.hpp"
#include "proxy/code/function_table.hpp"
#include "proxy/listen/listen_state.hpp"
#include "proxy/state/settings_journal.hpp"
#include "proxy/state/settings_map.hpp"
#include "proxy/state/settings_steps.hpp"
#include "proxy/state/state_check.hpp"
#include "proxy/state/state_watch.hpp"

namespace pgweir {

class ListenHub;
class Pool;
class Worker;

// Queries of our own; their replies never reach the client.
enum class OwnQuery : std::uint8_t {
  prelude,
  check,
  last_value,
  triggers,
  sources,
  reset_settings,
  rollback,
  reset,
  nothing
};

// A client's batch outside of a transaction, kept until its first answer: DDL may have made the server refuse
// its plan of a statement ("cached plan must not change result type"), which a statement parsed anew does not
// suffer from.
struct Batch {
  // Counts a reply to the client. False: it had this one before.
  bool note_reply(BackendType type);
  // Whether in these messages whatever runs the statement of this name also describes it first.
  static bool describes(ByteView messages, std::string_view name);
  // Whether its rows are asked for in binary, by a client that knows their types.
  static bool reads_binary(ByteView messages, std::string_view name);

  static constexpr std::size_t size_max = 16 * 1024;
  enum class State : std::uint8_t {
    none,    // cannot be sent again
    open,    // its Sync is still to come
    closed,  // all of it is in Backend::batch, and nothing follows it yet
  };
  State state = State::none;
  // What the client has got of the answer: acknowledgements, which come again the second time and are left
  // out then, or more than that.
  unsigned acknowledged = 0;
  bool answered = false;
  unsigned left_out = 0;  // how many are still to be left out
  // How often it has been sent again: DDL may come once more in between.
  static constexpr unsigned again_max = 3;
  unsigned again = 0;
  StatementRef stale;       // the statement that the server refused; its ReadyForQuery is not for the client
  bool renews = false;      // its name is to stand for a new one; otherwise it is only missing on the server
  std::string stale_name;   // the client's name for it
  bool needs_sync = false;  // refused before the client's Sync came: one of ours has to end the batch
};

struct Exchange {
  Exchange(Worker& w, const MapRef& none) : worker(w), startup(none), desired(none), view(none) {}

  Worker& worker;
  Pool* pool = nullptr;
  Backend* backend = nullptr;
  bool forwarded = false;  // something of the client's went to this backend since it was borrowed

  StatementMap statements;
  ResponseTracker tracker;

  Batch batch;

  MapRef startup;        // what the client brought
  MapRef desired;        // what it has now
  MapRef view;           // the parameters that it was told
  MapRef greeting;       // what it was told at its login: its startup settings as the server spells them
  bool greeted = false;  // it has been told any
  StateWatch watch;
  SettingsJournal settings;
  // Parsed in this transaction while nobody knew what some code of it does: under the settings that were
  // believed to be in force.
  std::vector<StatementRef> presumed;
  // Was parsed again for the message in hand, because the server had described it otherwise under whatever
  // was in force then.
  const Statement* checked_again = nullptr;
  std::vector<std::string> custom_names;  // settings with a dot that it has set
  // Calls of functions that nobody has judged yet: before the session's state is settled, the server is asked
  // for their sources.
  FunctionQuestion function_question;
  std::vector<std::string> unjudged;
  bool triggers_unjudged = false;          // something was written while nobody knew what that fires
  bool definitions_unjudged = false;       // something was read or written while nobody knew what views run
  std::vector<std::string> trigger_names;  // what OwnQuery::triggers has answered
  std::vector<FunctionSource> sources;     // what OwnQuery::sources has answered so far
  std::vector<OwnQuery> own;               // under way, oldest first
  StateAnswer answer;                      // what OwnQuery::check has said so far
  std::string own_error_code;              // of a prelude that failed
  std::string own_error_message;
  bool sources_failed = false;
  bool has_last_value = false;  // lastval() has answered OwnQuery::last_value
  bool own_cancelled = false;   // OwnQuery::check
  bool own_failed = false;      // a rollback or reset did not work: the backend cannot be trusted
  Judgement judgement;
  // By this number Backend::sequence_owner knows whose sequence values it has.
  std::uint64_t session = 0;
  bool advanced_sequence = false;  // under this number, perhaps
  PinSet pins;                     // why it keeps its backend
  // A Query went out between extended messages and their Sync. PostgreSQL 18 fails the next statement of such
  // a backend (XX000, unexpected state STARTED), which must not be another client's.
  bool mixed_protocols = false;
  bool restore_due = false;  // its startup settings, after an extended DISCARD ALL
  bool copy_portal = false;  // a portal may run a COPY
  // The statement that was bound last of those that are looked at again when they are run: a SET or RESET, or
  // one in which a name was replaced. The portal that it was bound to, and by how much its text became
  // longer.
  StatementRef bound;
  std::string bound_portal;
  std::int32_t bound_longer = 0;
  // What running a portal does to settings, where a SET does not say it.
  struct BoundStep {
    std::string portal;
    SettingsStep step;
  };
  std::vector<BoundStep> bound_steps;
  // The portal that was bound last, and the client's name for its statement, unless the client has been told
  // what that looks like.
  std::string described_portal;
  std::optional<std::string> undescribed_name;

  // A PREPARE or DEALLOCATE by SQL is under way: what it names is known when it has ended.
  bool naming = false;
  std::string naming_name;        // as in a Parse message
  StatementRef naming_statement;  // null: it deallocates

  // In its client_encoding a byte below 0x80 may be part of a longer character.
  bool opaque_characters = false;
  // Backslashes escape in every string of its texts.
  bool opaque_backslashes = false;
  // Nobody can tell for certain where the strings and names in this text of the client's end.
  bool is_opaque(std::string_view text) const;

  // Between asking the server for the session's state and acting on the answer, nothing may change it.
  bool asks_for_state() const {
    if (own.empty()) return false;
    const OwnQuery first = own.front();
    return first == OwnQuery::check || first == OwnQuery::last_value || first == OwnQuery::triggers ||
           first == OwnQuery::sources || first == OwnQuery::reset_settings;
  }
  bool pinned() const { return !pins.empty(); }

  // Null until the client listens through the pool's hub.
  std::unique_ptr<ListenState> listen;
  std::shared_ptr<ListenHub> hub;
  std::shared_ptr<ListenHub> next_hub;  // while the session moves to it
  std::uint64_t session_id = 0;         // as the worker knows it
  Subscriber subscriber() const;
  bool begin_listening();
  void leave_hub();

  // Its backend may have statements of SQL's under names that we do not know.
  bool may_have_prepared() const {
    return pins.contains(Pin::sql_prepare) || watch.may_have_begun.contains(Pin::sql_prepare);
  }

  // DISCARD SEQUENCES: what was advanced so far is nobody's.
  void disown_sequences(std::uint64_t new_number) {
    session = new_number;
    advanced_sequence = false;
  }
  void end_naming() {
    naming = false;
    naming_name.clear();
    naming_statement.reset();
  }
  // The client knows these parameters now; some decide how its texts are to be read.
  void use_view(MapRef parameters);
  // Its texts are in UTF-8.
  bool writes_utf8() const;
  TextRules text_rules() const;
  // Unqualified names may be created in the temporary schema.
  bool creates_temporary() const {
    const auto path = desired->find("search_path");
    return path != desired->end() && path->second.find("pg_temp") != std::string::npos;
  }
};

}  // namespace pgweir
