// One client's prepared statements: its names, and what they stand for.
//
// The server decides whether a Parse or a Close took place, and it decides later. Until then the operation is
// pending: a Bind that follows in the same stream must see it, an error must undo it. So there are two
// layers, a committed map and a queue of pending operations in stream order; the newest pending one of a name
// wins. Operations are confirmed or dropped in the order in which they were begun, because replies come in
// order.
//
// The unnamed statement is the entry with the empty name. Thread rule: owned by one session.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/sql_effects.hpp"
#include "protocol/sql_set_config.hpp"
#include "protocol/statement_shape.hpp"

namespace pgweir {

// The content of a Parse. It is immutable but for its shape, which is learned once; all clients that sent the
// same share it, and so do the backends that hold it.
struct Statement {
  std::string text;
  ByteBuffer parameter_types;  // the count and the OIDs, as sent
  std::string server_name;     // empty: this is a client's unnamed statement
  SqlEffects effects;
  // Its calls of set_config(); null if the text names none.
  std::unique_ptr<const SetConfigUse> set_config;
  // What else decided its meaning when it was parsed, in a form that its owner knows; null: that is not
  // known.
  std::shared_ptr<const void> context;
  // The hash by which the cache of shared statements keeps it; 0: it is not shared.
  std::size_t cache_hash = 0;
  // The description that all of its clients were given. What the server says later has to be the same.
  LearnedShape shape;
  // Made by PREPARE, not by a Parse: `text` is what follows the name there, argument types included.
  bool by_sql = false;
  // Its server_name is its client's own name for it: only that client has it, on a connection of its own names.
  bool has_client_name = false;
  // Of a client's PREPARE: its text up to the name and with it, as the client wrote it.
  std::string sql_head{};
  // Goes up when a client parses the text, and when it did so, by its user's clock: see BackendStatements. A server
  // connection that parsed it for a lower number does so again: by now the text may mean something else.
  mutable std::atomic<std::uint32_t> generation{0};
  mutable std::atomic<std::int64_t> generation_began{0};

  // Whether its Execute may open a COPY IN.
  bool may_copy() const { return effects.verb == Verb::copy || effects.verb == Verb::undecided; }
};
using StatementRef = std::shared_ptr<const Statement>;

class StatementMap {
 public:
  // A client may hold this many names; this protects pgweir's memory from a single client.
  static constexpr std::size_t names_max = 65'536;

  struct Held {
    StatementRef statement;  // null: none
    bool described = false;
  };
  // What a name stood for before a message of the client's.
  struct Earlier {
    std::string name;
    Held held;
  };
  // What `name` stands for at this point of the client's stream. The reference lasts until the next change.
  const Held& look_up(std::string_view name) const;
  const StatementRef& find(std::string_view name) const { return look_up(name).statement; }
  bool full() const { return committed_.size() + pending_.size() - oldest_ >= names_max; }
  bool has_pending() const { return oldest_ < pending_.size(); }

  // `segment`: that of the message in its client's stream, see ResponseTracker::segment().
  void begin_put(std::string_view name, StatementRef statement, std::uint64_t segment = 0);
  void begin_erase(std::string_view name, std::uint64_t segment = 0);
  // Whether the name's meaning depends on a message of an earlier segment, which may fail or be skipped while
  // one of this segment is not.
  bool is_undecided(std::string_view name, std::uint64_t segment) const;
  // The same of any name but the unnamed statement's.
  bool has_undecided(std::uint64_t segment) const;
  // confirm_front(): the oldest pending operation took place. fail_front(): the server refused it.
  // drop_front(): it was skipped and never tried. A refused Parse of the unnamed statement still destroys the
  // one before it (exec_parse_message drops it first), and so does a Query, announced as begin_erase("").
  // `earlier` gets what the name stood for until then.
  void confirm_front(std::vector<Earlier>* earlier = nullptr);
  void fail_front();
  void drop_front();
  // Takes back what these were told of, in the order in which it took place. Nothing may be pending.
  void restore(std::vector<Earlier>& earlier);

  // These take effect at once: DISCARD ALL, DEALLOCATE ALL, or SQL that named a statement.
  void clear_named();
  void put(std::string_view name, StatementRef statement);
  // The client has had the statement of this name described, and goes on reading rows by that.
  void mark_described(std::string_view name);
  bool is_described(std::string_view name) const { return look_up(name).described; }
  void erase(std::string_view name);
  // The client's name for the statement, the one with this hash if it has several; empty if it has none. This
  // walks the map: it is for error texts only.
  std::string name_of(const StatementRef& statement, std::uint32_t name_hash = 0) const;
  static std::uint32_t hash_of(std::string_view name);
  // Every committed name. Invalidated by any change.
  const std::map<std::string, Held, std::less<>>& committed() const { return committed_; }

 private:
  struct Pending {
    std::string name;
    Held held;  // without a statement: erase
    std::uint64_t segment = 0;
  };
  Pending take_front();
  Held exchange(std::string&& name, Held&& held);

  std::map<std::string, Held, std::less<>> committed_;
  Held unnamed_;  // outside of the map: it changes with every unnamed Parse
  // From oldest_ on; the rest is spent.
  std::vector<Pending> pending_;
  std::size_t oldest_ = 0;
};

}  // namespace pgweir
