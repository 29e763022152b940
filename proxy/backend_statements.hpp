// Which prepared statements one backend holds, most recently used first.
//
// The server confirms a Parse or Close later than we send it, and an error may keep it from happening. Until
// the reply is here, what depends on it may be sent in the same segment (between two Syncs, where all that
// follows an error is skipped), but not in a later one: there the Parse may have been skipped and the
// dependent message not.
//
// The unnamed statement is one more, of which the backend has one and every client believes to have its own.
// Thread rule: belongs to its backend, so to whoever has borrowed that.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "protocol/response_tracker.hpp"
#include "protocol/statement_map.hpp"

namespace pgweir {

class BackendStatements {
 public:
  enum class Presence : std::uint8_t {
    present,    // usable by what is sent next
    absent,     // send a Parse first
    undecided,  // something of an earlier segment is unanswered: wait for it
  };

  explicit BackendStatements(std::size_t max) : max_(max) {}

  // Also marks it as used just now.
  Presence find(const StatementRef& statement, std::uint64_t segment);
  void begin_parse(const StatementRef& statement, std::uint64_t segment);
  void begin_close(const StatementRef& statement, std::uint64_t segment);
  // How they ended, in order.
  void end_parse(const StatementRef& statement, Outcome outcome);
  void end_close(const StatementRef& statement, Outcome outcome);
  // More than it should keep: after a pipeline whose statements could not be closed while they were under
  // way, or when a statement had to be made again where nothing could be closed in front of it.
  bool is_over() const { return entries_.size() > max_; }
  // The one to close so that `room` more can be kept; null while they can. What is already being closed has
  // made room, and what is under way cannot be closed.
  StatementRef to_evict(std::size_t room) const;
  // DEALLOCATE ALL or DISCARD ALL took place.
  void clear();
  std::size_t size() const { return entries_.size(); }

  // `statement` null stands for "no unnamed statement".
  // null also where it is not known
  StatementRef unnamed() const { return unnamed_.value_or(nullptr); }
  Presence find_unnamed(const StatementRef& statement, std::uint64_t segment) const;
  void begin_unnamed(const StatementRef& statement, std::uint64_t segment);
  void end_unnamed(const StatementRef& statement, Outcome outcome);

 private:
  struct Entry {
    StatementRef statement;
    bool exists = false;        // as far as replies tell
    bool will_exist = false;    // once what is pending has happened
    std::uint32_t pending = 0;  // unanswered Parse and Close
    std::uint64_t segment = 0;  // of the last of them
  };
  using Entries = std::list<Entry>;

  void begin(const StatementRef& statement, bool will_exist, std::uint64_t segment);
  void end(const StatementRef& statement, Outcome outcome, bool exists_when_done);

  std::size_t max_;
  Entries entries_;  // most recently used first
  std::unordered_map<const Statement*, Entries::iterator> index_;

  std::optional<StatementRef> unnamed_;  // nullopt: not known
  std::uint32_t unnamed_pending_ = 0;
  std::uint64_t unnamed_segment_ = 0;
};

}  // namespace pgweir
