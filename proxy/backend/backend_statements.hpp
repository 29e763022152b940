// Which prepared statements one backend holds, most recently used first.
//
// The server confirms a Parse or Close some time after it was sent, and an error may prevent that. Until the
// reply is here, messages that depend on it may be sent in the same segment (between two Syncs, where all
// that follows an error is skipped), but not in a later one: there the Parse may have been skipped and the
// dependent message not.
//
// A Parse is followed by a question for the statement's description: a statement whose parameters and rows
// are not what its clients were told must not stand for it. What code in the database has done to prepared
// statements is not seen until one is missed; from then on none of them is trusted.
//
// The unnamed statement is one more, of which the backend has one and every client believes to have its own.
// Thread rule: belongs to its backend, so to the session that has borrowed that.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/response_tracker.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/base/clock.hpp"

namespace pgweir {

class BackendStatements {
 public:
  enum class Presence : std::uint8_t {
    present,    // usable by what is sent next
    absent,     // send a Parse first
    undecided,  // something of an earlier segment is unanswered: wait for it
  };

  // What the server has said about its version of a statement.
  enum class Description : std::uint8_t {
    unknown,
    asked,  // the server has not answered yet
    same,   // as all clients were told
    changed,
  };

  // For this long after the last real Parse on a backend, a client's Parse is answered without the server. DDL that
  // does not go through pgweir is seen by clients that parse later, on whichever backend: what was parsed there for
  // clients of before is outdated.
  static constexpr std::chrono::milliseconds parse_age_max{100};

  explicit BackendStatements(std::size_t max) : max_(max) {}

  // Also marks the statement as used just now.
  Presence find(const StatementRef& statement, std::uint64_t segment);
  void begin_parse(const StatementRef& statement, std::uint64_t segment);
  void begin_close(const StatementRef& statement, std::uint64_t segment);
  // Called after begin_parse(), for a client's Parse. `certain_at`: when it was sent; TimePoint{}: it is not certain
  // under which settings it is parsed.
  void note_client_parse(const StatementRef& statement, TimePoint certain_at);
  // A client's Parse was answered without the server.
  void note_answered_parse(const StatementRef& statement, TimePoint now);
  // One use of a statement. Whenever something has changed in the database, or a plan is not kept yet, the server analyses
  // and plans a statement anew, under the settings and the role of whoever uses it then.
  struct Use {
    enum class Under : std::uint8_t {
      home,     // the settings of the statement's Parse, as far as planning reads them
      reading,  // they differ in how literals are read, which an analysis does, and planning does not
      others,
    };
    std::uint64_t session = 0;
    Under under = Under::home;
    std::shared_ptr<const void> settings;  // `others`: stand for them; null: they are not known
  };
  // As note_client_parse(), for a Parse of pgweir's. `is_read_alike`: its literals are read as at the client's Parse.
  void note_parse(const StatementRef& statement, TimePoint certain_at, bool is_read_alike);
  // Whether the server's analysis and plan are what this session would have on a server connection of its own: all uses
  // since the last Parse were like it, or by this session.
  bool fits(const StatementRef& statement, const Use& use) const;
  void note_use(const StatementRef& statement, const Use& use);
  // Names may mean something else by now to this session: what it alone has used fits it no longer, unless SQL has prepared
  // it, as nobody knows what its rows look like.
  void doubt_names_of(std::uint64_t session);
  // Whether a client has parsed the text since, on another backend.
  bool is_outdated(const StatementRef& statement) const;
  // Whether the last Parse was by the client that has the backend, and it is not known yet if the description
  // has changed. The client is told what that Parse found.
  bool is_client_parse(const StatementRef& statement) const;
  // Whether a client's Parse of the statement here would find what the last one has found, which was not long ago.
  bool was_parsed_lately(const StatementRef& statement, TimePoint now) const;
  Description description_of(const StatementRef& statement) const;
  // Whether find() says present, description_of() says same, and this use, at home, fits and is not outdated: then it is
  // noted, too. Nearly always so, at the price of one look.
  bool use_as_told(const StatementRef& statement, std::uint64_t segment, std::uint64_t session);
  // Also describes the unnamed statement, if it is this one.
  void describe(const StatementRef& statement, Description description);
  // Whether the statement may or may not be there: its Parse then needs a Close before it.
  bool is_doubtful(const StatementRef& statement) const;
  void doubt(const StatementRef& statement);
  // Code has changed the set of statements unseen.
  void doubt_all();
  // Each statement but this one is parsed again before it is next used: the names in it may mean something else by
  // now.
  void parse_again_all_but(const StatementRef& kept);
  bool in_doubt() const { return in_doubt_; }
  // The statements' names in the form in which state_query() asks for them: sorted, each with t if SQL has
  // prepared it and f otherwise.
  std::string listing() const;
  // A Parse or Close has ended, in the order in which they were sent.
  void end_parse(const StatementRef& statement, Outcome outcome);
  void end_close(const StatementRef& statement, Outcome outcome);
  // Whether the backend has more than it should keep: after a pipeline whose statements could not be closed
  // while they were under way, or when a statement had to be made again where no Close could go before it.
  bool is_over() const { return entries_.size() > max_; }
  // The statement to close so that `room` more can be kept; null: there is room. One that is being closed has
  // made room already, and one that is under way cannot be closed.
  StatementRef to_evict(std::size_t room) const;
  // What the backend has, or may have. Nothing may be under way.
  std::vector<StatementRef> all() const;
  // DEALLOCATE ALL or DISCARD ALL took place.
  void clear();
  std::size_t size() const { return entries_.size(); }

  // `statement` null stands for "no unnamed statement". unnamed() is null also where it is not known.
  StatementRef unnamed() const { return unnamed_.value_or(nullptr); }
  Presence find_unnamed(const StatementRef& statement, std::uint64_t segment) const;
  void begin_unnamed(const StatementRef& statement, std::uint64_t segment);
  void end_unnamed(const StatementRef& statement, Outcome outcome);
  // The description of the unnamed statement that the backend has, or will have.
  Description unnamed_description() const { return unnamed_description_; }

 private:
  static constexpr std::uint64_t nobody = 0;
  static constexpr std::uint64_t several = ~std::uint64_t{0};
  struct Entry {
    StatementRef statement;
    bool exists = false;      // as far as replies tell
    bool will_exist = false;  // once what is pending has happened
    bool doubtful = false;    // `exists` is not certain
    Description description = Description::unknown;
    std::uint32_t pending = 0;    // unanswered Parse and Close
    std::uint32_t void_ones = 0;  // the oldest of these: what they find has to be parsed again
    std::uint64_t segment = 0;    // of the last of them
    // Of the last Parse; and when it was sent, if each client's would find the same.
    // `elsewhere`: by pgweir, where its literals are read in another way than at its client's.
    enum class By : std::uint8_t { pgweir, elsewhere, client } by = By::pgweir;
    TimePoint certain_at{};
    std::uint32_t generation = 0;  // of the statement, then
    // The uses since then. `reading`: one session's were so, and any others at home.
    enum class Under : std::uint8_t { home, reading, others, mixed } under = Under::home;
    std::shared_ptr<const void> settings{};  // `others`
    std::uint64_t reader = nobody;           // `reading`
    std::uint64_t session = nobody;
    bool fits(const Use& by) const;
    void use(const Use& by);
  };
  using Entries = std::list<Entry>;

  Entry* find_entry(const StatementRef& statement) const;
  static void begin_generation(Entry& entry, TimePoint now);
  static Presence presence_of(const Entry& entry, std::uint64_t segment);
  void mark_used(Entries::iterator entry);
  void begin(const StatementRef& statement, bool will_exist, std::uint64_t segment);
  void end(const StatementRef& statement, Outcome outcome, bool exists_when_done);

  std::size_t max_;
  Entries entries_;  // most recently used first
  std::unordered_map<const Statement*, Entries::iterator> index_;
  bool in_doubt_ = false;

  std::optional<StatementRef> unnamed_;  // nullopt: not known
  std::uint32_t unnamed_pending_ = 0;
  std::uint64_t unnamed_segment_ = 0;
  Description unnamed_description_ = Description::unknown;
};

}  // namespace pgweir
