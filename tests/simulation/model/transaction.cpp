#include "tests/simulation/model/transaction.hpp"

#include <utility>

#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/cursors.hpp"
#include "tests/simulation/model/tables.hpp"

namespace pgweir::simulation {

SessionState::SessionState(ModelCluster& owner, Pid own_pid)
    : cluster(owner), pid(own_pid), identity(owner), settings(identity, owner.major()) {}

void SessionState::notice(std::string severity, std::string code, std::string message) {
  const std::string& least = settings.value("client_min_messages");
  const bool silent = least == "error" || (least == "warning" && severity != "WARNING");
  if (silent) return;
  write_notice(out,
               {.code = std::move(code), .message = std::move(message), .severity = std::move(severity)});
}

TransactionStatus TransactionControl::status() const {
  switch (t_.block) {
    case Block::none:
    case Block::started:
      return TransactionStatus::idle;
    case Block::failed:
    case Block::abort_ending:
      return TransactionStatus::failed;
    default:
      return TransactionStatus::in_transaction;
  }
}

void TransactionControl::start() {
  t_ = {};
  t_.block = Block::started;
  t_.isolation = s_.settings.value("default_transaction_isolation");
  t_.read_only = s_.cluster.in_recovery || s_.settings.value("default_transaction_read_only") == "on";
  t_.read_only_at_start = t_.read_only;
  t_.deferrable = s_.settings.value("default_transaction_deferrable") == "on";
  s_.cluster.transaction_began();
}

// Each command may have its own time, see statement_timeout.
void TransactionControl::start_command() {
  if (t_.block == Block::none) {
    start();
  } else if (t_.in_pipeline && s_.cluster.major() >= 18) {
    // There, what follows in a pipeline is in a block as if it came in one string.
    begin_implicit();
  }
  const std::chrono::milliseconds timeout = s_.settings.duration("statement_timeout");
  if (timeout.count() == 0) {
    s_.statement_deadline.reset();
  } else if (!s_.statement_deadline) {
    s_.statement_deadline = s_.now + timeout;
  }
}

void TransactionControl::begin_implicit() {
  if (t_.block == Block::started) t_.block = Block::implicit;
}

void TransactionControl::end_implicit() {
  if (t_.block == Block::implicit) t_.block = Block::started;
}

void TransactionControl::finish_command() {
  s_.statement_deadline.reset();
  switch (t_.block) {
    case Block::started:
      commit();
      Cursors(s_).end_level(1, false);
      t_.block = Block::none;
      return;
    case Block::begun:
      t_.block = Block::in_progress;
      return;
    case Block::ending:
      commit();
      return chain_or_stop();
    case Block::abort_ending:
      Cursors(s_).warn_of_unrun(t_.level());
      [[fallthrough]];
    case Block::abort_pending:
      abort();
      return chain_or_stop();
    default:
      return;
  }
}

// The modes are settings, which a failure rolls back at once: ROLLBACK AND CHAIN does not find them any more.
void TransactionControl::forget_modes() {
  t_.isolation = s_.settings.value("default_transaction_isolation");
  t_.read_only = t_.read_only_at_start;
  t_.deferrable = s_.settings.value("default_transaction_deferrable") == "on";
}

// AND CHAIN: the next transaction has the modes of this one.
void TransactionControl::chain_or_stop() {
  Cursors(s_).end_level(1, false);
  const Transaction before = t_;
  t_ = {};
  if (!before.chains) return;
  start();
  t_.block = Block::in_progress;
  t_.isolation = before.isolation;
  t_.read_only = before.read_only;
  t_.deferrable = before.deferrable;
}

void TransactionControl::on_error() {
  s_.statement_deadline.reset();
  switch (t_.block) {
    case Block::none:
    case Block::failed:
      return;
    case Block::in_progress:
      if (t_.savepoints.empty()) {
        Cursors(s_).fail_level(1);
        abort();
        forget_modes();
      } else {
        abort_savepoint();
      }
      t_.block = Block::failed;
      return;
    default:
      abort();
      Cursors(s_).end_level(1, false);
      t_ = {};
  }
}

// What can fail comes first; then nothing fails any more.
void TransactionControl::commit() {
  Cursors(s_).persist_held();
  Tables(s_).apply_on_commit();
  if (t_.id != 0) s_.cluster.log().commit(t_.id);
  Channels(s_).commit();
  end(true);
}

void TransactionControl::abort() {
  if (t_.id != 0 && s_.cluster.log().fate(t_.id) == TransactionLog::Fate::running)
    s_.cluster.log().abort(t_.id);
  Channels(s_).roll_back(1);
  end(false);
}

void TransactionControl::end(bool commit) {
  s_.settings.end_level(1, commit);
  s_.cluster.locks().release_level(s_.pid, 1);
  t_.savepoints.clear();
  if (!std::exchange(t_.is_over, true)) s_.cluster.transaction_ended();
  s_.cluster.wake_waiting();
}

void TransactionControl::abort_savepoint() {
  Savepoint& innermost = t_.savepoints.back();
  if (innermost.aborted) return;
  const int level = t_.level();
  innermost.aborted = true;
  if (innermost.id != 0) s_.cluster.log().abort(innermost.id);
  t_.read_only = innermost.read_only;
  Cursors(s_).fail_level(level);
  Channels(s_).roll_back(level);
  s_.settings.end_level(level, false);
  s_.cluster.locks().release_level(s_.pid, level);
  s_.cluster.wake_waiting();
}

TransactionId TransactionControl::id_for_writing() {
  TransactionLog& log = s_.cluster.log();
  if (t_.id == 0) {
    t_.id = log.begin(0);
    s_.cluster.locks().try_acquire(s_.pid, {LockKey::Kind::transaction, {}, t_.id}, LockMode::exclusive, 1);
  }
  TransactionId around = t_.id;
  for (Savepoint& savepoint : t_.savepoints) {
    if (savepoint.id == 0) savepoint.id = log.begin(around);
    around = savepoint.id;
  }
  return around;
}

std::uint64_t TransactionControl::snapshot() {
  t_.has_queried = true;
  const std::uint64_t now = s_.cluster.log().snapshot();
  if (t_.isolation == "serializable" && s_.cluster.in_recovery)
    throw SqlError{.code = "0A000",
                   .message = "cannot use serializable mode in a hot standby",
                   .detail = "\"default_transaction_isolation\" is set to \"serializable\".",
                   .hint =
                       "You can use \"SET default_transaction_isolation = 'repeatable read'\" to change the "
                       "default."};
  if (t_.isolation == "read committed" || t_.isolation == "read uncommitted") return now;
  if (!t_.snapshot) t_.snapshot = now;
  return *t_.snapshot;
}

// --- What other commands ask

void TransactionControl::require_block(const std::string& what) const {
  if (t_.block == Block::started) fail("25P01", what + " can only be used in transaction blocks");
}

void TransactionControl::warn_without_block(const std::string& what) {
  if (t_.block == Block::started)
    s_.notice("WARNING", "25P01", what + " can only be used in transaction blocks");
}

void TransactionControl::prevent_in_block(const std::string& what) {
  if (t_.block != Block::started) fail("25001", what + " cannot run inside a transaction block");
  if (t_.in_pipeline) fail("25001", what + " cannot be executed within a pipeline");
  t_.commits_immediately = true;
}

void TransactionControl::require_writable(const std::string& what) const {
  if (t_.read_only) fail("25006", "cannot execute " + what + " in a read-only transaction");
}

void TransactionControl::require_no_recovery(const std::string& what) const {
  if (s_.cluster.in_recovery) fail("25006", "cannot execute " + what + " during recovery");
}

}  // namespace pgweir::simulation
