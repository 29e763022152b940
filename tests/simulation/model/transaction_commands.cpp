// BEGIN, COMMIT, ROLLBACK, savepoints and the modes of a transaction: TransactionControl's commands.
#include <algorithm>

#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/cursors.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

using Verb = TransactionCommand::Verb;

std::string TransactionControl::run(const TransactionCommand& command) {
  switch (command.verb) {
    case Verb::begin:
    case Verb::start:
      begin_block();
      set_modes(command.modes);
      return command.verb == Verb::begin ? "BEGIN" : "START TRANSACTION";
    case Verb::commit: {
      const bool fails = t_.block == Block::failed;
      commit_block(command.chain);
      return fails ? "ROLLBACK" : "COMMIT";
    }
    case Verb::rollback:
      roll_back_block(command.chain);
      return "ROLLBACK";
    case Verb::savepoint:
      require_block("SAVEPOINT");
      set_savepoint(command.savepoint);
      return "SAVEPOINT";
    case Verb::release:
      require_block("RELEASE SAVEPOINT");
      release(command.savepoint);
      return "RELEASE";
    case Verb::rollback_to:
      require_block("ROLLBACK TO SAVEPOINT");
      roll_back_to(command.savepoint);
      return "ROLLBACK";
  }
  return {};
}

void TransactionControl::begin_block() {
  if (t_.block == Block::started || t_.block == Block::implicit) {
    t_.block = Block::begun;
  } else {
    s_.notice("WARNING", "25001", "there is already a transaction in progress");
  }
}

void TransactionControl::commit_block(bool chain) {
  if (t_.block == Block::failed) {
    t_.block = Block::abort_ending;
  } else if (t_.block == Block::in_progress) {
    t_.block = Block::ending;
  } else if (chain) {
    fail("25P01", "COMMIT AND CHAIN can only be used in transaction blocks");
  } else {
    s_.notice("WARNING", "25P01", "there is no transaction in progress");
    if (t_.block == Block::implicit) t_.block = Block::ending;
  }
  t_.chains = chain;
}

void TransactionControl::roll_back_block(bool chain) {
  if (t_.block == Block::failed) {
    t_.block = Block::abort_ending;
  } else if (t_.block == Block::in_progress) {
    t_.block = Block::abort_pending;
  } else if (chain) {
    fail("25P01", "ROLLBACK AND CHAIN can only be used in transaction blocks");
  } else {
    s_.notice("WARNING", "25P01", "there is no transaction in progress");
    t_.block = Block::abort_pending;
  }
  t_.chains = chain;
}

void TransactionControl::set_savepoint(const std::string& name) {
  if (t_.block == Block::implicit) fail("25P01", "SAVEPOINT can only be used in transaction blocks");
  t_.savepoints.push_back({name, 0, t_.read_only, false});
}

std::size_t TransactionControl::find_savepoint(const std::string& name, const std::string& what) const {
  if (t_.block == Block::implicit) fail("25P01", what + " can only be used in transaction blocks");
  for (std::size_t i = t_.savepoints.size(); i > 0; --i) {
    if (t_.savepoints[i - 1].name == name) return i - 1;
  }
  fail("3B001", "savepoint \"" + name + "\" does not exist");
}

void TransactionControl::release(const std::string& name) {
  const std::size_t target = find_savepoint(name, "RELEASE SAVEPOINT");
  while (t_.savepoints.size() > target) {
    const int level = t_.level();
    t_.read_only = t_.savepoints.back().read_only;
    Cursors(s_).end_level(level, true);
    Channels(s_).merge(level);
    s_.settings.end_level(level, true);
    s_.cluster.locks().merge_level(s_.pid, level);
    t_.savepoints.pop_back();
  }
}

void TransactionControl::roll_back_to(const std::string& name) {
  const std::size_t target = find_savepoint(name, "ROLLBACK TO SAVEPOINT");
  while (t_.savepoints.size() > target) {
    abort_savepoint();
    Cursors(s_).warn_of_unrun(t_.level());
    Cursors(s_).end_level(t_.level(), false);
    t_.savepoints.pop_back();
  }
  t_.block = Block::in_progress;
  set_savepoint(name);
}

// A transaction's modes are settings, too (SET LOCAL transaction_isolation ...), which end with it.
void TransactionControl::set_modes(const std::vector<TransactionMode>& modes) {
  for (const TransactionMode& mode : modes) {
    if (mode.setting == "transaction_isolation") {
      if (t_.isolation == mode.value) continue;
      if (t_.has_queried) fail("25001", "SET TRANSACTION ISOLATION LEVEL must be called before any query");
      if (!t_.savepoints.empty())
        fail("25001", "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
      if (mode.value == "serializable" && s_.cluster.in_recovery)
        throw SqlError{.code = "0A000",
                       .message = "cannot use serializable mode in a hot standby",
                       .hint = "You can use REPEATABLE READ instead."};
      t_.isolation = mode.value;
    } else if (mode.setting == "transaction_read_only") {
      const bool read_only = mode.value == "on";
      if (!read_only && t_.read_only) {
        if (!t_.savepoints.empty())
          fail("25001", "cannot set transaction read-write mode inside a read-only transaction");
        if (t_.has_queried) fail("25001", "transaction read-write mode must be set before any query");
        if (s_.cluster.in_recovery) fail("0A000", "cannot set transaction read-write mode during recovery");
      }
      t_.read_only = read_only;
    } else {
      if (!t_.savepoints.empty())
        fail("25001", "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
      if (t_.has_queried) fail("25001", "SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
      t_.deferrable = mode.value == "on";
    }
  }
}

}  // namespace pgweir::simulation
