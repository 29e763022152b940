#include "proxy/backend/backend_statements.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pgweir {

BackendStatements::Presence BackendStatements::find(const StatementRef& statement, std::uint64_t segment) {
  const auto found = index_.find(statement.get());
  if (found == index_.end()) return Presence::absent;
  mark_used(found->second);
  return presence_of(*found->second, segment);
}

BackendStatements::Presence BackendStatements::presence_of(const Entry& entry, std::uint64_t segment) {
  if (entry.pending > 0 && entry.segment != segment) return Presence::undecided;
  if (entry.doubtful && entry.pending == entry.void_ones) return Presence::absent;
  return entry.will_exist ? Presence::present : Presence::absent;
}

bool BackendStatements::use_as_told(const StatementRef& statement, std::uint64_t segment,
                                    std::uint64_t session) {
  const auto found = index_.find(statement.get());
  if (found == index_.end()) return false;
  mark_used(found->second);
  Entry& entry = *found->second;
  if (entry.description != Description::same || entry.under != Entry::Under::home ||
      entry.by == Entry::By::elsewhere ||
      entry.generation != statement->generation.load(std::memory_order_relaxed) ||
      presence_of(entry, segment) != Presence::present)
    return false;
  if (entry.session != session) entry.session = entry.session == nobody ? session : several;
  return true;
}

void BackendStatements::mark_used(Entries::iterator entry) {
  if (entry != entries_.begin()) entries_.splice(entries_.begin(), entries_, entry);
}

void BackendStatements::begin(const StatementRef& statement, bool will_exist, std::uint64_t segment) {
  auto found = index_.find(statement.get());
  if (found == index_.end()) {
    entries_.push_front({statement});
    found = index_.emplace(statement.get(), entries_.begin()).first;
  }
  Entry& entry = *found->second;
  mark_used(found->second);
  entry.will_exist = will_exist;
  entry.segment = segment;
  ++entry.pending;
}

void BackendStatements::begin_parse(const StatementRef& statement, std::uint64_t segment) {
  begin(statement, true, segment);
  Entry& entry = entries_.front();
  entry.description = Description::unknown;
  entry.by = Entry::By::pgweir;
  entry.certain_at = {};
  entry.generation = statement->generation.load(std::memory_order_relaxed);
  entry.under = Entry::Under::home;
  entry.settings = nullptr;
  entry.session = nobody;
}

BackendStatements::Entry* BackendStatements::find_entry(const StatementRef& statement) const {
  const auto found = index_.find(statement.get());
  return found == index_.end() ? nullptr : &*found->second;
}

void BackendStatements::note_client_parse(const StatementRef& statement, TimePoint certain_at) {
  Entry* const entry = find_entry(statement);
  if (entry == nullptr) return;
  entry->by = Entry::By::client;
  entry->certain_at = certain_at;
  if (certain_at != TimePoint{}) begin_generation(*entry, certain_at);
}

void BackendStatements::note_answered_parse(const StatementRef& statement, TimePoint now) {
  if (Entry* const entry = find_entry(statement)) begin_generation(*entry, now);
}

// The entry belongs to the newest one: it was parsed now, or lately.
void BackendStatements::begin_generation(Entry& entry, TimePoint now) {
  const Statement& statement = *entry.statement;
  const TimePoint began{TimePoint::duration{statement.generation_began.load(std::memory_order_relaxed)}};
  if (now - began > parse_age_max) {
    statement.generation_began.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    statement.generation.fetch_add(1, std::memory_order_relaxed);
  }
  entry.generation = statement.generation.load(std::memory_order_relaxed);
}

bool BackendStatements::is_outdated(const StatementRef& statement) const {
  const Entry* const entry = find_entry(statement);
  return entry != nullptr && entry->generation != statement->generation.load(std::memory_order_relaxed);
}

void BackendStatements::note_parse(const StatementRef& statement, TimePoint certain_at, bool is_read_alike) {
  Entry* const entry = find_entry(statement);
  if (entry == nullptr) return;
  entry->certain_at = certain_at;
  entry->by = is_read_alike ? Entry::By::pgweir : Entry::By::elsewhere;
}

bool BackendStatements::fits(const StatementRef& statement, const Use& use) const {
  const Entry* const entry = find_entry(statement);
  return entry == nullptr || entry->fits(use);
}

bool BackendStatements::Entry::fits(const Use& by) const {
  if (session == nobody) return true;
  if (by.under != Use::Under::others && this->by == By::elsewhere)
    return session == by.session && by.under == Use::Under::reading;
  if (session == by.session) return true;
  if (by.under == Use::Under::others)
    return under == Under::others && by.settings != nullptr && by.settings == settings;
  return under == Under::home || (under == Under::reading && reader == by.session);
}

void BackendStatements::note_use(const StatementRef& statement, const Use& use) {
  if (Entry* const entry = find_entry(statement)) entry->use(use);
}

void BackendStatements::Entry::use(const Use& by) {
  const bool is_first = session == nobody;
  session = is_first || session == by.session ? by.session : several;
  if (by.under != Use::Under::home) certain_at = {};
  switch (by.under) {
    case Use::Under::home:
      if (under == Under::others) under = is_first ? Under::home : Under::mixed;
      return;
    case Use::Under::reading:
      if (under == Under::home) reader = by.session;
      under = under == Under::home || (under == Under::reading && reader == by.session) ? Under::reading
                                                                                        : Under::mixed;
      return;
    case Use::Under::others:
      if (under == Under::others && by.settings != nullptr && by.settings == settings) return;
      under = is_first ? Under::others : Under::mixed;
      settings = is_first ? by.settings : nullptr;
      return;
  }
}

void BackendStatements::doubt_names_of(std::uint64_t session) {
  for (Entry& entry : entries_) {
    if (entry.session != session || entry.statement->by_sql) continue;
    entry.session = several;
    entry.under = Entry::Under::mixed;
  }
  if (unnamed_pending_ == 0) unnamed_.reset();
}

bool BackendStatements::is_client_parse(const StatementRef& statement) const {
  const Entry* const entry = find_entry(statement);
  return entry != nullptr && entry->by == Entry::By::client && entry->description == Description::asked;
}

bool BackendStatements::was_parsed_lately(const StatementRef& statement, TimePoint now) const {
  const Entry* const entry = find_entry(statement);
  return entry != nullptr && now - entry->certain_at <= parse_age_max;
}

BackendStatements::Description BackendStatements::description_of(const StatementRef& statement) const {
  const Entry* const entry = find_entry(statement);
  return entry == nullptr ? Description::unknown : entry->description;
}

void BackendStatements::describe(const StatementRef& statement, Description description) {
  if (unnamed_ == statement) unnamed_description_ = description;
  if (Entry* const entry = find_entry(statement)) entry->description = description;
}

bool BackendStatements::is_doubtful(const StatementRef& statement) const {
  const Entry* const entry = find_entry(statement);
  return entry != nullptr && entry->doubtful;
}

void BackendStatements::doubt(const StatementRef& statement) {
  if (statement->has_client_name) return;
  if (Entry* const entry = find_entry(statement)) entry->doubtful = true;
}

void BackendStatements::doubt_all() {
  in_doubt_ = true;
  for (Entry& entry : entries_) entry.doubtful = !entry.statement->has_client_name;
}

void BackendStatements::parse_again_all_but(const StatementRef& kept) {
  for (Entry& entry : entries_) {
    if (entry.statement == kept || entry.statement->has_client_name) continue;
    entry.doubtful = true;
    entry.void_ones = entry.pending;
  }
  if (unnamed_pending_ == 0) unnamed_.reset();
}

void BackendStatements::begin_close(const StatementRef& statement, std::uint64_t segment) {
  begin(statement, false, segment);
}

std::string BackendStatements::listing() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.statement->has_client_name) continue;
    if (entry.exists) names.push_back(entry.statement->server_name + (entry.statement->by_sql ? 't' : 'f'));
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  return list;
}

void BackendStatements::end(const StatementRef& statement, Outcome outcome, bool exists_when_done) {
  const auto found = index_.find(statement.get());
  if (found == index_.end()) return;
  Entry& entry = *found->second;
  if (outcome == Outcome::done) {
    entry.exists = exists_when_done;
    entry.doubtful = entry.void_ones > 0;
  }
  if (entry.void_ones > 0) --entry.void_ones;
  if (entry.pending > 0) --entry.pending;
  if (entry.pending > 0) return;
  entry.will_exist = entry.exists;
  if (entry.exists) return;
  entries_.erase(found->second);
  index_.erase(found);
}

void BackendStatements::end_parse(const StatementRef& statement, Outcome outcome) {
  // An older Parse counts again, and what uses there were since then.
  if (Entry* const entry = find_entry(statement); entry != nullptr && outcome != Outcome::done) {
    entry->under = Entry::Under::mixed;
    entry->session = several;
    entry->certain_at = {};
  }
  end(statement, outcome, true);
}
void BackendStatements::end_close(const StatementRef& statement, Outcome outcome) {
  end(statement, outcome, false);
}

StatementRef BackendStatements::to_evict(std::size_t room) const {
  if (entries_.size() + room <= max_) return nullptr;
  const auto staying =
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.will_exist; });
  if (static_cast<std::size_t>(staying) + room <= max_) return nullptr;
  const auto oldest =
      std::find_if(entries_.rbegin(), entries_.rend(), [](const Entry& e) { return e.pending == 0; });
  return oldest == entries_.rend() ? nullptr : oldest->statement;
}

std::vector<StatementRef> BackendStatements::all() const {
  std::vector<StatementRef> all;
  for (const Entry& entry : entries_) all.push_back(entry.statement);
  return all;
}

void BackendStatements::clear() {
  for (auto it = entries_.begin(); it != entries_.end();) {
    it->exists = false;
    if (it->pending > 0) {
      ++it;
      continue;
    }
    index_.erase(it->statement.get());
    it = entries_.erase(it);
  }
}

BackendStatements::Presence BackendStatements::find_unnamed(const StatementRef& statement,
                                                            std::uint64_t segment) const {
  if (unnamed_pending_ > 0 && unnamed_segment_ != segment) return Presence::undecided;
  return unnamed_ == statement ? Presence::present : Presence::absent;
}

void BackendStatements::begin_unnamed(const StatementRef& statement, std::uint64_t segment) {
  unnamed_ = statement;
  unnamed_description_ = Description::unknown;
  unnamed_segment_ = segment;
  ++unnamed_pending_;
}

void BackendStatements::end_unnamed(const StatementRef& statement, Outcome outcome) {
  if (unnamed_pending_ > 0) --unnamed_pending_;
  if (unnamed_ != statement) return;  // overtaken by a later one
  // A Parse that failed has dropped the old statement first; one that was skipped has not, and it is no
  // longer known which that was. It is not known either while another Parse is under way: the same statement
  // may have been sent again.
  if (outcome == Outcome::done) return;
  if (outcome == Outcome::failed && unnamed_pending_ == 0) {
    unnamed_ = StatementRef{};
  } else {
    unnamed_.reset();
  }
}

}  // namespace pgweir
