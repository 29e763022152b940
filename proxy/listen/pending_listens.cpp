#include "proxy/listen/pending_listens.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pgweir {

namespace {

bool is_action(const ListenStep& step) {
  return step.verb == ListenVerb::listen || step.verb == ListenVerb::unlisten ||
         step.verb == ListenVerb::unlisten_all;
}

}  // namespace

void PendingListens::completed(const ListenStep& step, std::string_view tag) {
  switch (step.verb) {
    case ListenVerb::other:
      return;
    case ListenVerb::listen:
    case ListenVerb::unlisten:
    case ListenVerb::savepoint:
      return add(step);
    case ListenVerb::unlisten_all:
      add(step);
      // It commits by itself, whatever becomes of the rest of its batch.
      if (tag == "DISCARD ALL") commit();
      return;
    case ListenVerb::rollback_to:
      return roll_back_to(step.name);
    case ListenVerb::release:
      return release(step.name);
    case ListenVerb::commit:
      // The COMMIT of a failed transaction succeeds, with another tag.
      if (tag == "COMMIT") return commit();
      return pending_.clear();
    case ListenVerb::rollback:
      return pending_.clear();
  }
}

void PendingListens::add(const ListenStep& step) {
  if (pending_.size() + effective_.size() >= entries_max) return lose_track();
  pending_.push_back(step);
}

std::size_t PendingListens::find_savepoint(std::string_view name) const {
  for (std::size_t i = pending_.size(); i > 0; --i) {
    if (pending_[i - 1].verb == ListenVerb::savepoint && pending_[i - 1].name == name) return i - 1;
  }
  return pending_.size();
}

// The savepoint itself stays. One that was never seen is older than all that is pending.
void PendingListens::roll_back_to(std::string_view name) {
  const std::size_t at = find_savepoint(name);
  pending_.resize(at == pending_.size() ? 0 : at + 1);
}

// The actions after it belong to what is around it; the savepoints among them are gone.
void PendingListens::release(std::string_view name) {
  const std::size_t at = find_savepoint(name);
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(at == pending_.size() ? 0 : at);
  pending_.erase(std::remove_if(begin, pending_.end(), [](const ListenStep& s) { return !is_action(s); }),
                 pending_.end());
}

void PendingListens::commit() {
  std::copy_if(std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()),
               std::back_inserter(effective_), is_action);
  pending_.clear();
}

// Inside a transaction block an error changes nothing yet: what follows it, a rollback in most cases, will.
// Else it has undone everything since the last commit.
std::vector<ListenStep> PendingListens::settle(TransactionStatus status) {
  if (status == TransactionStatus::idle) {
    if (failed_) pending_.clear();
    commit();
    lost_track_ = false;
  }
  failed_ = false;
  return std::exchange(effective_, {});
}

std::vector<std::string> PendingListens::candidates() const {
  std::vector<std::string> channels;
  for (const ListenStep& step : pending_) {
    if (step.verb == ListenVerb::listen) channels.push_back(step.name);
  }
  return channels;
}

bool PendingListens::unlistens() const {
  return std::any_of(pending_.begin(), pending_.end(), [](const ListenStep& step) {
    return step.verb == ListenVerb::unlisten || step.verb == ListenVerb::unlisten_all;
  });
}

}  // namespace pgweir
