// Tracks which replies one backend still owes, and for whom they are.
//
// Every message that asks for a reply is announced with expect(), in the order in which it goes to the server
// (or would have gone, for a reply that pgweir gives itself). Every reply is shown to receive(), which says
// whether the client gets it. Three things make this more than a queue:
//
// 1. Skip until Sync. After an error in the extended protocol the server reads and ignores everything, a
//    Query included, up to the next Sync (protocol chapter 55.2.3). What was announced in between will never
//    be answered: it is dropped here. When no Sync was announced yet, skipping() holds and nothing but a
//    Sync may be forwarded.
// 2. Injected replies. A message that need not go to the server (a Parse of a statement that the backend has)
//    is announced with Fate::inject; its reply is due exactly when it is the oldest one. Messages that the
//    client did not send are announced with Fate::drop or Fate::mute.
// 3. COPY IN. From CopyInResponse until the client's CopyDone or CopyFail the server ignores Flush and Sync:
//    a Sync sent in that span is never answered. Unless the COPY fails: then those Syncs that the server
//    reads after the failure are answered, and from outside of the server it cannot be told which. Then
//    needs_fence() asks for
//
//        Sync Close(portal) Sync      ->   n x ReadyForQuery  CloseComplete  ReadyForQuery
//
//    where the first n - 1 of the ReadyForQuery belong to the client.
//
// While copy_possible() nothing but CopyData, CopyDone, CopyFail, Flush and Sync may go to the server. A
// message that waits for its end needs a Flush after the COPY: the server keeps the reply that ends it until
// a Flush or Sync comes.
//
// A backend may be handed on only when settled(). No I/O, no clock; owned by one session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/enum_set.hpp"
#include "protocol/message.hpp"
#include "protocol/statement_map.hpp"

namespace pgweir {

// What a reply answers: the kind of the message that was announced.
enum class Reply : std::uint8_t {
  parse,
  bind,
  describe_statement,
  describe_portal,
  execute,
  close,
  query,
  function_call,
  sync,
  copy_end,  // CopyDone or CopyFail: a mark in the stream, to which there is no answer
  fence,     // the messages of needs_fence()
};

// forward  the client gets it
// drop     the client gets no reply, but an error, which then concerns the client's next message
// mute     the client gets neither: a group of pgweir's own, ended by its own Sync or ReadyForQuery
// inject   nothing is sent to the server, and the client gets the reply from pgweir
enum class Fate : std::uint8_t { forward, drop, mute, inject };

constexpr std::uint32_t resets_all = 1;

// What follows from a message that succeeds.
enum class Change : std::uint8_t {
  names,               // it holds the oldest pending operation of the client's StatementMap
  backend_statements,  // it changes which statements the backend has: a Parse, a Close, a Query
  channels,            // its statements may change what the client listens to
  settings,            // it holds the oldest pending step of the session's SettingsJournal
  names_by_sql,        // the session's SqlNaming is about it
};
using Changes = EnumSet<Change, std::uint8_t>;

// What a message is sent for, besides its reply.
enum class Purpose : std::uint8_t {
  plain,
  learn_shape,    // pgweir's Describe after its own Parse
  confirm_parse,  // pgweir's Describe after the client's own Parse
  meant_to_fail,  // the statement is not what the client was told: its error becomes the one that says so
};

struct Expected {
  Reply reply = Reply::sync;
  Fate fate = Fate::forward;
  bool may_copy = false;  // a Query or Execute that may open COPY IN
  Changes changes{};
  Purpose purpose = Purpose::plain;
  StatementRef statement{};   // what a Parse, Bind, Describe or Close refers to
  std::int32_t grown_by = 0;  // by how many characters its text became longer when a name in it was replaced
  // A Query after which the client's startup settings are restored: resets_all, or the hash of one setting's
  // name.
  std::uint32_t resets_setting = 0;
  std::uint32_t name_hash = 0;  // of the client's name for the statement, which may have other names
  // The client's spelling of the name, where an error text must show that and the map has cut it.
  std::shared_ptr<const std::string> spelled{};
};

enum class Outcome : std::uint8_t { done, failed, skipped };

// Is told about each expectation that ends, oldest first, but not about a Sync that COPY IN swallows, nor
// about marks. A Query that fails is done, because its ReadyForQuery ends it. A sink must not call the
// tracker back.
class ReplySink {
 public:
  virtual void ended(const Expected& expected, Outcome outcome) = 0;
  // Gives the client the reply to this (parse or close) now, at this place of the stream: out of expect() at
  // once, out of receive() *after* the reply that is being received.
  virtual void inject(const Expected& expected) = 0;

 protected:
  ~ReplySink() = default;
};

class ResponseTracker {
 public:
  enum class Verdict : std::uint8_t { forward, drop, protocol_violation };

  // Announces a message. It must not be called while skipping(), except for a Sync, nor while a fence is
  // needed or under way.
  void expect(Expected&& expected, ReplySink& sink);

  // Takes a reply of any type but NoticeResponse, NotificationResponse and ParameterStatus, which answer
  // nothing. `status` is read only for ReadyForQuery. A FATAL may come when nothing is owed: the caller looks
  // at the severity first; here it is a violation or belongs to the oldest message.
  Verdict receive(char type, TransactionStatus status, ReplySink& sink);

  // Announces the three messages of the fence. This is due as soon as needs_fence() turns true, before the
  // next receive(); send them right away, after all that was announced.
  void begin_fence();
  // A Flush goes to the server: it gives the answers to all that was announced so far.
  void flush();
  bool needs_fence() const { return fence_ == Fence::needed; }
  bool fencing() const { return fence_ > Fence::needed; }

  TransactionStatus status() const { return status_; }
  // A ROLLBACK has taken place, also to a savepoint; what the transaction is now, the next ReadyForQuery tells.
  void leave_failed() {
    if (status_ == TransactionStatus::failed) status_ = TransactionStatus::in_transaction;
  }
  bool skipping() const { return batch_ == OpenBatch::skipped; }
  // copy_in(): a COPY IN is open. copy_possible(): or something that is still unanswered may open one.
  bool copy_in() const { return copy_ == Copy::open; }
  bool copy_possible() const { return copy_ != Copy::none || may_copy_ > 0; }

  bool idle() const { return oldest_ == queue_.size(); }
  std::size_t outstanding() const { return queue_.size() - oldest_; }
  const Expected* oldest() const { return idle() ? nullptr : &queue_[oldest_]; }
  // Whether a DataRow that comes now is the client's; receive() would change nothing for it.
  bool gives_rows() const {
    const Expected* const asked = oldest();
    return asked != nullptr && asked->fate == Fate::forward &&
           (asked->reply == Reply::query || asked->reply == Reply::execute);
  }
  // Whether the server owes an answer that it gives without another message. It keeps those to extended messages until a
  // Flush or Sync comes: for how long is the client's affair.
  bool is_asked() const { return asked_ > 0; }
  // Whether extended-protocol messages went out after the last Sync: an implicit transaction may be open.
  bool unsynced() const { return batch_ != OpenBatch::none; }
  // Whether a group of pgweir's own that ends with a Sync may be put here. No error of an earlier message may
  // skip into it: the group's Sync would end the skipping too early for the client. This is more than
  // !unsynced(): a Query commits, but it does not end the window of what is unanswered before it.
  bool may_insert_group() const {
    return !unsynced() && !error_skips_ && !copy_possible() && fence_ == Fence::none;
  }
  // Two messages with the same number fail together. Each Sync begins another, and whoever has put a Query of its own in
  // front of the client's messages.
  std::uint64_t segment() const { return segment_; }
  void begin_segment() { ++segment_; }
  // Whether nothing is owed in either direction and no transaction is open.
  bool settled() const {
    return idle() && !unsynced() && !needs_fence() && copy_ == Copy::none &&
           status_ == TransactionStatus::idle;
  }
  // Whether a ReadyForQuery is owed: the transaction status of a message that is sent now is not known yet.
  bool awaits_ready() const;
  // Forgets the memory of a long pipeline. It may be called only when idle().
  void shrink();
  // How many expectations the memory held now has room for, spent ones included.
  std::size_t capacity() const { return queue_.capacity(); }

 private:
  enum class Copy : std::uint8_t {
    none,
    open,    // CopyInResponse seen, the client has not ended the data
    ending,  // the client's CopyDone or CopyFail is on its way to the server
  };

  // Extended messages that went out after the last Sync.
  enum class OpenBatch : std::uint8_t {
    none,
    sent,
    skipped,  // one has failed, and the Sync that ends the skipping has not gone out yet
  };

  enum class Fence {
    none,
    needed,
    sent,
    ready,  // one ReadyForQuery has come: of pgweir's own Sync, unless another one follows
    passed,
  };

  void push(Expected&& expected);
  std::uint32_t count_asked() const;
  Verdict fate_of_oldest() const;
  void pop(Outcome outcome, ReplySink& sink);
  void settle_front(ReplySink& sink);
  Verdict complete(Reply reply, ReplySink& sink);
  Verdict on_execution_end(ReplySink& sink);
  Verdict on_copy_in();
  Verdict on_error(ReplySink& sink);
  Verdict on_ready(TransactionStatus status, ReplySink& sink);
  Verdict on_close_complete(ReplySink& sink);
  void end_copy(bool failed);
  void forget_copy_end();
  void skip_to_sync(ReplySink& sink);

  std::vector<Expected> queue_;  // from oldest_ on; the rest is spent
  std::size_t oldest_ = 0;
  std::uint64_t segment_ = 0;
  TransactionStatus status_ = TransactionStatus::idle;
  Copy copy_ = Copy::none;
  OpenBatch batch_ = OpenBatch::none;
  bool error_skips_ = false;  // an unanswered message since the last Sync may open a skip window
  bool ran_ = false;          // the oldest message, a Query or FunctionCall, has a tag, a result or an error
  std::uint32_t asked_ = 0;   // how many of the oldest expectations is_asked() is about
  std::uint32_t may_copy_ = 0;         // queued expectations that may open COPY IN
  std::uint32_t swallowed_syncs_ = 0;  // sent during this COPY IN
  Fence fence_ = Fence::none;
};

}  // namespace pgweir
