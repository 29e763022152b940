#include "protocol/statement_map.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/frontend.hpp"
#include "protocol/spent_front.hpp"

namespace pgweir {
namespace {

const StatementMap::Held none;

// How much room is kept while nothing is pending.
constexpr std::size_t kept_capacity = 8;

}  // namespace

const StatementMap::Held& StatementMap::look_up(std::string_view name) const {
  name = truncate_identifier(name);
  for (std::size_t i = pending_.size(); i > oldest_; --i) {
    if (pending_[i - 1].name == name) return pending_[i - 1].held;
  }
  if (name.empty()) return unnamed_;
  const auto it = committed_.find(name);
  return it == committed_.end() ? none : it->second;
}

void StatementMap::mark_described(std::string_view name) {
  const Held& held = look_up(name);
  if (&held != &none) const_cast<Held&>(held).described = true;  // one of the map's own, which are not const
}

void StatementMap::begin_put(std::string_view name, StatementRef statement, std::uint64_t segment) {
  push_behind_spent(pending_, oldest_,
                    {std::string(truncate_identifier(name)), {std::move(statement)}, segment});
}

void StatementMap::begin_erase(std::string_view name, std::uint64_t segment) {
  push_behind_spent(pending_, oldest_, {std::string(truncate_identifier(name)), {}, segment});
}

bool StatementMap::is_undecided(std::string_view name, std::uint64_t segment) const {
  if (!has_pending()) return false;
  name = truncate_identifier(name);
  for (std::size_t i = pending_.size(); i > oldest_; --i) {
    if (pending_[i - 1].name == name) return pending_[i - 1].segment != segment;
  }
  return false;
}

bool StatementMap::has_undecided(std::uint64_t segment) const {
  return std::any_of(pending_.begin() + static_cast<std::ptrdiff_t>(oldest_), pending_.end(),
                     [segment](const Pending& p) { return !p.name.empty() && p.segment != segment; });
}

StatementMap::Pending StatementMap::take_front() {
  assert(has_pending());
  Pending front = std::move(pending_[oldest_]);
  if (++oldest_ == pending_.size()) {
    oldest_ = 0;
    pending_.clear();
    if (pending_.capacity() > kept_capacity) std::vector<Pending>().swap(pending_);
  }
  return front;
}

// Makes the name stand for this, and returns what it stood for.
StatementMap::Held StatementMap::exchange(std::string&& name, Held&& held) {
  if (name.empty()) return std::exchange(unnamed_, std::move(held));
  const auto found = committed_.lower_bound(name);
  if (found == committed_.end() || found->first != name) {
    if (held.statement) committed_.emplace_hint(found, std::move(name), std::move(held));
    return {};
  }
  Held before = std::exchange(found->second, std::move(held));
  if (!found->second.statement) committed_.erase(found);
  return before;
}

void StatementMap::confirm_front(std::vector<Earlier>* earlier) {
  Pending done = take_front();
  if (earlier == nullptr) {
    exchange(std::move(done.name), std::move(done.held));
    return;
  }
  earlier->push_back({done.name, {}});
  earlier->back().held = exchange(std::move(done.name), std::move(done.held));
}

void StatementMap::restore(std::vector<Earlier>& earlier) {
  assert(!has_pending());
  for (; !earlier.empty(); earlier.pop_back())
    exchange(std::move(earlier.back().name), std::move(earlier.back().held));
}

void StatementMap::fail_front() {
  if (take_front().name.empty()) unnamed_ = {};
}

void StatementMap::drop_front() {
  take_front();
}

void StatementMap::clear_named() {
  committed_.clear();
}

void StatementMap::put(std::string_view name, StatementRef statement) {
  Held held{std::move(statement)};
  if (name.empty()) {
    unnamed_ = std::move(held);
  } else {
    committed_.insert_or_assign(std::string(truncate_identifier(name)), std::move(held));
  }
}

void StatementMap::erase(std::string_view name) {
  name = truncate_identifier(name);
  if (name.empty()) {
    unnamed_ = {};
  } else if (const auto it = committed_.find(name); it != committed_.end()) {
    committed_.erase(it);
  }
}

std::uint32_t StatementMap::hash_of(std::string_view name) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(truncate_identifier(name)));
}

std::string StatementMap::name_of(const StatementRef& statement, std::uint32_t name_hash) const {
  std::string any;
  const auto take = [&](const std::string& name) {
    if (any.empty()) any = name;
    return hash_of(name) == name_hash;
  };
  for (std::size_t i = oldest_; i < pending_.size(); ++i) {
    if (pending_[i].held.statement == statement && take(pending_[i].name)) return pending_[i].name;
  }
  for (const auto& [name, known] : committed_) {
    if (known.statement == statement && take(name)) return name;
  }
  return any;
}

}  // namespace pgweir
