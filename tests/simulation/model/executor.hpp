// Runs portals: what a statement does, and what is sent for it. Everything here may throw Blocked, and is then
// called again with the same portal.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Executor {
 public:
  explicit Executor(SessionState& state) : s_(state) {}

  // Plans the statement, opens its rows.
  void start(Portal& portal, bool with_known_parameters = true);
  // A RowDescription comes first in a simple query.
  enum class Describe { no, yes };
  // Sends at most `limit` rows (0: all). False: it is suspended. True: `tag` is what to say.
  bool run(Portal& portal, std::size_t limit, Describe describe, std::string& tag);

 private:
  void fill(Portal& portal);
  void fetch(Portal& portal, const Fetch& fetch);
  void execute(Portal& portal, const Execute& execute);
  std::string command(Portal& portal);
  std::string insert(Portal& portal, Insert& insert);
  std::string remove(Portal& portal, Delete& remove);
  std::string declare(const DeclareCursor& declare);
  std::string discard(const Discard& discard);
  std::string copy(Portal& portal, const CopyCommand& copy);
  std::string copy_out(Portal& portal, const CopyCommand& copy);
  std::string copy_from(Portal& portal, const CopyCommand& copy);
  std::shared_ptr<Portal> open_select(const StatementPtr& statement);
  void require_writable_table(const ObjectName& name, const std::string& what);

  SessionState& s_;
};

// Allowed in a failed transaction.
bool ends_transaction(const Statement& statement);

}  // namespace pgweir::simulation
