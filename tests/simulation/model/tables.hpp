// Relations as one session sees them: names are found by its search_path, rows by its snapshot, locks are held
// until its transaction ends.
#pragma once

#include <functional>

#include "tests/simulation/model/catalog.hpp"
#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Tables {
 public:
  explicit Tables(SessionState& state) : s_(state) {}

  // 42P01 where there is none. What it returns stays until the session changes the relation itself.
  const Relation& open(const ObjectName& name, LockMode mode);
  const Relation* find(const ObjectName& name) const;
  // The schemas of the search_path that exist.
  std::vector<std::string> path() const;
  // What a prepared statement's names depend on: the same, without a temporary schema that the session does not have
  // yet, and where a new relation would be made (OverrideSearchPathMatchesCurrent).
  std::vector<std::string> path_of_plan() const;
  const Relation* find(Oid oid) const { return catalog().find(oid, s_.transaction.id); }
  bool is_temporary(const Relation& relation) const { return relation.schema == s_.temporary_schema(); }

  // By the columns that the relation has now.
  std::vector<Row> read(const Relation& relation, std::uint64_t snapshot) const;
  void insert(const Relation& relation, Row values);  // in the order of its columns
  // Deletes what `chosen` picks; waits for whoever is deleting the same row.
  std::size_t remove(const Relation& relation, const std::function<bool(const Row&)>& chosen);

  // --- Commands; they return the tag
  std::string create(const CreateRelation& create);
  std::string create(const CreateSchema& create);
  std::string drop(const DropRelation& drop);
  std::string alter(const AlterTable& alter);
  std::string truncate(const Truncate& truncate);
  void discard_temporary();
  void apply_on_commit();

 private:
  void lock(LockKey key, LockMode mode);
  bool has_temporary_schema() const;
  void wait_for(TransactionId other, const Relation& relation);
  Row values_of(const StoredRow& row, const Relation& relation) const;
  bool is_seen(const StoredRow& row, std::uint64_t snapshot) const;
  std::string creation_schema(const CreateRelation& create) const;
  Catalog& catalog() const;

  SessionState& s_;
};

}  // namespace pgweir::simulation
