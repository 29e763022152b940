#include "protocol/statement_map.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/frontend.hpp"

namespace pgweir {
namespace {

const StatementRef none;

}  // namespace

const StatementRef& StatementMap::find(std::string_view name) const {
  name = truncate_identifier(name);
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    if (it->name == name) return it->statement;
  }
  if (name.empty()) return unnamed_;
  const auto it = committed_.find(name);
  return it == committed_.end() ? none : it->second;
}

void StatementMap::begin_put(std::string_view name, StatementRef statement) {
  pending_.push_back({std::string(truncate_identifier(name)), std::move(statement)});
}

void StatementMap::begin_erase(std::string_view name) {
  pending_.push_back({std::string(truncate_identifier(name)), nullptr});
}

void StatementMap::confirm_front() {
  assert(!pending_.empty());
  Pending done = std::move(pending_.front());
  pending_.pop_front();
  if (done.name.empty()) {
    unnamed_ = std::move(done.statement);
  } else if (done.statement) {
    committed_.insert_or_assign(std::move(done.name), std::move(done.statement));
  } else {
    committed_.erase(done.name);
  }
}

void StatementMap::fail_front() {
  assert(!pending_.empty());
  if (pending_.front().name.empty()) unnamed_.reset();
  pending_.pop_front();
}

void StatementMap::drop_front() {
  assert(!pending_.empty());
  pending_.pop_front();
}

void StatementMap::clear_named() {
  committed_.clear();
}

void StatementMap::put(std::string_view name, StatementRef statement) {
  committed_.insert_or_assign(std::string(truncate_identifier(name)), std::move(statement));
}

void StatementMap::replace(const StatementRef& old, const StatementRef& fresh) {
  if (unnamed_ == old) unnamed_ = fresh;
  for (auto& [name, statement] : committed_) {
    if (statement == old) statement = fresh;
  }
}

void StatementMap::erase(std::string_view name) {
  name = truncate_identifier(name);
  if (name.empty()) {
    unnamed_.reset();
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
  for (const Pending& pending : pending_) {
    if (pending.statement == statement && take(pending.name)) return pending.name;
  }
  for (const auto& [name, known] : committed_) {
    if (known == statement && take(name)) return name;
  }
  return any;
}

}  // namespace pgweir
