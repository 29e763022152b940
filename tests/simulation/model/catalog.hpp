// The relations of one database with their rows. Every change carries the transaction that made it, so that
// rolling back is only a matter of that transaction's fate (transaction_log.hpp).
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/model/syntax.hpp"
#include "tests/simulation/model/transaction_log.hpp"

namespace pgweir::simulation {

struct TableColumn {
  std::string name;
  Oid type = type::text;
  std::uint16_t attribute = 0;  // from 1 on; never used again
};

// One version of a relation: an ALTER makes another one with the same oid.
struct Relation {
  Oid oid = 0;
  std::uint64_t version = 0;  // which no other one of the database has
  std::string schema;
  std::string name;
  bool sequence = false;
  CreateRelation::OnCommit on_commit = CreateRelation::OnCommit::keep;
  std::vector<TableColumn> columns;
  std::uint16_t attributes = 0;
  TransactionId made_by = 0;
  TransactionId removed_by = 0;
};

struct StoredRow {
  Row values;  // by attribute number; the last ones may be missing, which are null
  TransactionId made_by = 0;
  TransactionId removed_by = 0;
};

struct StoredSchema {
  std::string name;
  TransactionId made_by = 0;
};

// Advances of a sequence are not undone by a rollback.
struct SequenceValue {
  std::int64_t last = 1;
  bool is_called = false;
};

class Catalog {
 public:
  explicit Catalog(TransactionLog& log) : log_(log) {}

  // A reader's transaction sees all that was committed, and its own changes.
  const Relation* find(const std::string& schema, const std::string& name, TransactionId mine) const;
  const Relation* find(Oid oid, TransactionId mine) const;
  bool has_schema(const std::string& name, TransactionId mine) const;
  std::vector<const Relation*> in_schema(const std::string& schema, TransactionId mine) const;

  Oid add(Relation relation);  // gives it its oid
  void replace(Relation changed, TransactionId by);
  void remove(Oid oid, TransactionId by);
  void add_schema(const std::string& name, TransactionId by) { schemas_.push_back({name, by}); }

  std::deque<StoredRow>& rows(Oid table) { return rows_[table]; }
  SequenceValue& sequence(Oid oid) { return sequences_[oid]; }

  // Forgets what nobody can see any more; only while no transaction runs.
  void vacuum();

 private:
  bool exists(const Relation& relation, TransactionId mine) const;

  TransactionLog& log_;
  std::deque<Relation> relations_;
  std::map<Oid, std::deque<StoredRow>> rows_;
  std::map<Oid, SequenceValue> sequences_;
  std::vector<StoredSchema> schemas_{{"public", 0}, {"pg_catalog", 0}};
  Oid next_oid_ = 16384;
  std::uint64_t last_version_ = 0;
};

}  // namespace pgweir::simulation
