#include "tests/simulation/model/catalog.hpp"

#include <algorithm>
#include <set>

namespace pgweir::simulation {

bool Catalog::exists(const Relation& relation, TransactionId mine) const {
  const std::uint64_t now = log_.snapshot();
  const bool removed = relation.removed_by != 0 && log_.sees(relation.removed_by, now, mine);
  return !removed && log_.sees(relation.made_by, now, mine);
}

const Relation* Catalog::find(const std::string& schema, const std::string& name, TransactionId mine) const {
  for (const Relation& relation : relations_) {
    if (relation.name == name && relation.schema == schema && exists(relation, mine)) return &relation;
  }
  return nullptr;
}

const Relation* Catalog::find(Oid oid, TransactionId mine) const {
  for (const Relation& relation : relations_) {
    if (relation.oid == oid && exists(relation, mine)) return &relation;
  }
  return nullptr;
}

bool Catalog::has_schema(const std::string& name, TransactionId mine) const {
  return std::any_of(schemas_.begin(), schemas_.end(), [&](const StoredSchema& schema) {
    return schema.name == name && log_.sees(schema.made_by, log_.snapshot(), mine);
  });
}

std::vector<const Relation*> Catalog::in_schema(const std::string& schema, TransactionId mine) const {
  std::vector<const Relation*> found;
  for (const Relation& relation : relations_) {
    if (relation.schema == schema && exists(relation, mine)) found.push_back(&relation);
  }
  return found;
}

Oid Catalog::add(Relation relation) {
  relation.oid = next_oid_++;
  relation.version = ++last_version_;
  relations_.push_back(std::move(relation));
  return relations_.back().oid;
}

void Catalog::replace(Relation changed, TransactionId by) {
  remove(changed.oid, by);
  changed.made_by = by;
  changed.removed_by = 0;
  changed.version = ++last_version_;
  relations_.push_back(std::move(changed));
}

void Catalog::remove(Oid oid, TransactionId by) {
  for (Relation& relation : relations_) {
    if (relation.oid == oid && exists(relation, log_.root(by))) relation.removed_by = by;
  }
}

void Catalog::vacuum() {
  using Fate = TransactionLog::Fate;
  const auto is_dead = [&](const auto& stored) {
    const bool removed = stored.removed_by != 0 && log_.fate(stored.removed_by) == Fate::committed;
    return removed || log_.fate(stored.made_by) == Fate::aborted;
  };
  std::erase_if(relations_, is_dead);
  std::erase_if(schemas_,
                [&](const StoredSchema& schema) { return log_.fate(schema.made_by) == Fate::aborted; });
  std::set<Oid> left;
  for (const Relation& relation : relations_) left.insert(relation.oid);
  std::erase_if(rows_, [&](const auto& entry) { return !left.contains(entry.first); });
  std::erase_if(sequences_, [&](const auto& entry) { return !left.contains(entry.first); });
  for (auto& [oid, rows] : rows_) std::erase_if(rows, is_dead);
}

}  // namespace pgweir::simulation
