// All that one session of the model has: what the commands (transaction.hpp, table_commands.hpp and their
// neighbours) act upon. Data; it has no behaviour of its own.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/identity.hpp"
#include "tests/simulation/model/lock_table.hpp"
#include "tests/simulation/model/replay.hpp"
#include "tests/simulation/model/row_source.hpp"
#include "tests/simulation/model/settings.hpp"
#include "tests/simulation/model/syntax.hpp"
#include "tests/simulation/model/transaction_log.hpp"
#include "tests/simulation/model/wire.hpp"

namespace pgweir::simulation {

class CopyIn;
class ModelCluster;

// xact.c's TBLOCK_*, without those of savepoints, which take effect at once.
enum class Block {
  none,
  started,   // one statement, or one pipeline
  implicit,  // several statements in one string or pipeline
  begun,     // BEGIN has run, its own command has not ended
  in_progress,
  ending,  // COMMIT has run
  failed,
  abort_ending,   // ROLLBACK of a failed one
  abort_pending,  // ROLLBACK of another
};

struct Savepoint {
  std::string name;
  TransactionId id = 0;  // once something was written
  bool read_only = false;
  bool aborted = false;
};

struct Transaction {
  Block block = Block::none;
  std::vector<Savepoint> savepoints;
  TransactionId id = 0;  // once something was written
  std::string isolation = "read committed";
  bool read_only = false;
  bool deferrable = false;
  bool chains = false;
  bool read_only_at_start = false;
  bool has_queried = false;
  bool is_over = false;                   // rolled back, although the block lasts until its ROLLBACK
  bool in_pipeline = false;               // an Execute has left it open
  bool commits_immediately = false;       // a statement has run that must be alone
  std::optional<std::uint64_t> snapshot;  // of a repeatable read
  int level() const { return 1 + static_cast<int>(savepoints.size()); }
};

// A relation that a name in a statement stands for.
struct FoundRelation {
  Oid oid = 0;
  std::uint64_t version = 0;
  bool operator==(const FoundRelation&) const = default;
};

// What analysis has found. It holds until the search_path leads elsewhere or one of the relations changes.
struct NameBinding {
  std::vector<std::string> path;
  std::vector<FoundRelation> relations;  // in the order of the names
};

struct PreparedStatement {
  std::string text;        // of the statement itself
  std::size_t offset = 0;  // of it in the string that it came in, from which errors count
  bool from_sql = false;
  SqlDialect dialect;
  std::vector<Oid> types;
  ResultColumns columns;
  bool returns_rows = false;
  std::size_t uses = 0;
  std::vector<std::string>
      instants;  // what literals of type timestamptz were read as, while the binding holds
  std::optional<NameBinding> binding;  // of a SELECT, INSERT or DELETE
};

struct Portal {
  enum class Strategy { select, utility_rows, command };
  enum class State { ready, done, failed };
  StatementPtr statement;  // null: an empty query
  std::vector<Value> parameters;
  Strategy strategy = Strategy::command;
  State state = State::ready;
  ResultColumns columns;
  Formats formats;
  std::unique_ptr<RowSource> rows;
  std::string tag;  // of a utility whose rows are ready
  bool at_end = false;
  bool is_described = false;
  std::size_t sent = 0;  // rows of the run that is under way
  bool hold = false;
  int level = 1;  // of the transaction that made it; 0: held over from another one
  Replay replay;
  // What a utility that had to wait has got so far.
  std::shared_ptr<Portal> inner;
  std::vector<Row> collected;
  std::shared_ptr<CopyIn> copy_in;
};

struct PendingNotification {
  std::string channel;
  std::string payload;
  int level = 1;
};
struct PendingListen {
  enum class Kind { listen, unlisten, unlisten_all } kind = Kind::listen;
  std::string channel;
  int level = 1;
};
struct Notification {
  Pid pid = 0;
  std::string channel;
  std::string payload;
};

struct SessionState {
  SessionState(ModelCluster& owner, Pid own_pid);

  ModelCluster& cluster;
  Pid pid;
  std::string database;
  Identity identity;
  Settings settings;
  Transaction transaction;
  std::map<std::string, PreparedStatement> prepared;
  std::map<std::string, std::shared_ptr<Portal>> portals;
  std::set<std::string> listening;
  std::vector<PendingListen> pending_listens;
  std::vector<PendingNotification> pending_notifications;
  std::deque<Notification> notifications;  // not told yet
  std::map<Oid, std::string> sequence_values;
  Oid last_sequence = 0;
  std::optional<TransactionId>
      temporary_schema_made_by;  // a session has none before its first temporary relation
  ByteBuffer out;
  Time now{};
  std::optional<Time> statement_deadline;
  const Portal* active = nullptr;  // CLOSE ALL does not close the portal that runs it

  std::string temporary_schema() const { return "pg_temp_" + std::to_string(pid); }
  void notice(std::string severity, std::string code, std::string message);
};

}  // namespace pgweir::simulation
