#include "tests/simulation/model/transaction_log.hpp"

namespace pgweir::simulation {

TransactionId TransactionLog::begin(TransactionId around) {
  entries_.push_back({around});
  return entries_.size();
}

void TransactionLog::commit(TransactionId id) {
  entry(id).fate = Fate::committed;
  entry(id).committed_at = ++commits_;
}

TransactionLog::Fate TransactionLog::fate(TransactionId id) const {
  for (; id != 0; id = entry(id).around) {
    if (entry(id).fate == Fate::aborted) return Fate::aborted;
    if (entry(id).around == 0) return entry(id).fate;
  }
  return Fate::committed;
}

TransactionId TransactionLog::root(TransactionId id) const {
  while (id != 0 && entry(id).around != 0) id = entry(id).around;
  return id;
}

bool TransactionLog::sees(TransactionId id, std::uint64_t snapshot, TransactionId mine) const {
  if (id == 0) return true;
  const Fate fate_of_it = fate(id);
  if (fate_of_it == Fate::aborted) return false;
  if (fate_of_it == Fate::running) return root(id) == mine;
  return entry(root(id)).committed_at <= snapshot;
}

}  // namespace pgweir::simulation
