// What the two directions of one session share: the client's names and settings, the backend that it has at
// the moment, and what that backend still owes. The request path and the reply path work on it; the session
// owns it. Thread rule: the session's worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/response_tracker.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/base/pin.hpp"
#include "proxy/code/code_doubts.hpp"
#include "proxy/exchange/batch.hpp"
#include "proxy/exchange/own_queries.hpp"
#include "proxy/listen/listen_state.hpp"
#include "proxy/state/client_settings.hpp"
#include "proxy/state/portals.hpp"
#include "proxy/state/settings_journal.hpp"
#include "proxy/state/state_watch.hpp"

namespace pgweir {

class ListenHub;
class Pool;
class PoolCommons;
class Worker;
struct ReadText;

// What is remembered of SQL that makes or drops names (PREPARE, DEALLOCATE, DISCARD ALL) while it is unanswered.
struct SqlNaming {
  // A client's name that has become pgweir's in a Query of several statements.
  struct Replaced {
    StatementRef statement;
    std::string name;           // as in a Parse message, as the next ones
    std::size_t end = 0;        // behind pgweir's name in the text that was sent; in characters
    std::int32_t grown_by = 0;  // how much longer pgweir's name is; in characters
  };

  std::string name;        // of a PREPARE
  StatementRef statement;  // what it makes
  // Names that DEALLOCATE drops, in order; its tags tell which are gone. Empty: one that only the server knows.
  std::vector<std::string> drops;
  std::vector<Replaced> replaced;  // in order

  // By how many characters what stands at this place of the text that was sent (the first is 1) is further behind than
  // in the client's text.
  std::int32_t growth_before(std::int64_t position) const {
    std::int32_t growth = 0;
    for (const Replaced& each : replaced) {
      if (position > static_cast<std::int64_t>(each.end)) growth += each.grown_by;
    }
    return growth;
  }
};

// The session whose values the sequences on a backend have, see Backend::sequence_owner.
struct SequenceOwner {
  std::uint64_t number = 0;
  bool advanced = false;  // a sequence may have been advanced under this number

  // After DISCARD SEQUENCES, no session owns what was advanced so far.
  void disown(std::uint64_t new_number) {
    number = new_number;
    advanced = false;
  }
};

// A client that sets something as another role may need that role for it on the next backend, too.
struct OtherRole {
  MapRef settings;         // what the client had set when it last had another role, or null
  bool is_needed = false;  // the login role may not set all that the client has set
};

// The client's message that is looked at, or that was looked at last.
struct MessageInHand {
  SettingsStep step;  // what the message does to settings
  // Its statement, if that is one SET or RESET; noted by StateNotes. Apart, as few messages have one and every
  // idle client would pay for it.
  std::shared_ptr<const SetStatement> set;
  const ReadText* text = nullptr;  // the text of a Query, if it was worth keeping
  bool is_looked_at = false;
};

struct Exchange {
  // `replies` is told how each expectation ended.
  Exchange(Worker& w, ReplySink& replies, const MapRef& none) : worker(w), sink(replies), client(none) {}

  Worker& worker;
  ReplySink& sink;
  // The same object twice: what all sessions of the pool share, and for those parts that borrow and give back.
  PoolCommons* commons = nullptr;
  Pool* pool = nullptr;
  Backend* backend = nullptr;
  bool forwarded = false;  // a message of the client's went to this backend since it was borrowed

  StatementMap statements;
  ResponseTracker tracker;
  Batch batch;
  Portals portals;
  // Null: no such SQL is unanswered. While it is, nothing else is sent, as its outcome decides what names mean.
  std::unique_ptr<SqlNaming> naming;
  OwnQueries own;

  ClientSettings client;
  OtherRole other_role;
  StateWatch watch;
  SettingsJournal journal;
  CodeDoubts code;
  SequenceOwner sequences;
  Judgement judgement;
  PinSet pins;                            // why the session keeps its backend
  std::vector<std::string> custom_names;  // settings with a dot that the client has set, sorted
  // The statement that was parsed again for the message in hand, because the server had described it
  // differently under what was in force then.
  const Statement* checked_again = nullptr;
  // A Query went out between extended messages and their Sync. PostgreSQL 18 fails the next statement of such
  // a backend (XX000, unexpected state STARTED), which must not be another client's.
  bool mixed_protocols = false;
  bool restore_due = false;  // the startup settings are to be restored, after an extended DISCARD ALL

  MessageInHand hand;

  SqlNaming& begin_naming(Expected& by) {
    by.changes.insert(Change::names_by_sql);
    return *(naming = std::make_unique<SqlNaming>());
  }
  void expect(Expected&& expected) { tracker.expect(std::move(expected), sink); }
  bool pinned() const { return !pins.empty(); }
  // Whether the client has something that it could not get on another connection. In session mode every
  // client is pinned, whatever it has.
  bool keeps_what_it_has() const {
    PinSet kept = pins;
    kept.erase({Pin::session_mode});
    return !kept.empty();
  }
  // The client may have temporary objects.
  bool may_have_temporary() const {
    return pins.contains(Pin::temporary_object) || watch.may_have_begun.contains(Pin::temporary_object);
  }
  // The client makes a temporary object. PostgreSQL looks again at what it has planned when a session makes its first
  // one, which may hide a table; not so where an earlier client has had one on the connection.
  // Not `is_certain`: perhaps, which the server is asked at the end of the transaction.
  void begin_temporary(bool is_certain = true);
  // It says that the session has none.
  void deny_temporary();
  // What the transaction has made is taken back, or was never made: the next temporary object is the first one again.
  void undo_temporary();
  // The transaction is over.
  void end_temporary() {
    if (backend != nullptr) backend->temporary_owner_before.reset();
  }
  // Code may have made one, unseen.
  void may_begin_temporary();
  // The backend may have statements that SQL prepared under names that pgweir does not know.
  bool may_have_prepared() const {
    return pins.contains(Pin::sql_prepare) || watch.may_have_begun.contains(Pin::sql_prepare);
  }
  // The backend has this client's prepared statements, under the client's names, and no others: see OwnNames.
  bool has_own_names() const { return pins.contains(Pin::own_statements); }

  // Whether only pgweir's own queries between two transactions are outstanding, or nothing.
  bool only_own_queries_left() const {
    return tracker.outstanding() == own.size() && !tracker.unsynced() && !tracker.skipping() &&
           tracker.status() == TransactionStatus::idle;
  }
  // Whether the oldest message that is unanswered is of a group of pgweir's own, such as the settings that go
  // out before the client's statement.
  bool own_message_is_oldest() const {
    const Expected* const oldest = tracker.oldest();
    return oldest != nullptr && oldest->fate == Fate::mute;
  }

  // Null until the client listens through the pool's hub.
  std::unique_ptr<ListenState> listen;
  std::shared_ptr<ListenHub> hub;
  std::shared_ptr<ListenHub> next_hub;  // the hub to which the session is moving
  std::uint64_t session_id = 0;         // as the worker knows it
  Subscriber subscriber() const;
  bool begin_listening();
  bool listens() const { return (listen && listen->listens()) || pins.contains(Pin::listen); }
  void leave_hub();
  // Writes the notifications that wait for the client, until so many bytes are in the worker's buffer.
  static constexpr std::size_t all_notifications = std::numeric_limits<std::size_t>::max();
  void write_notifications(std::size_t limit);
};

}  // namespace pgweir
