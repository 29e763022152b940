#include "proxy/statement_cache.hpp"

#include <algorithm>
#include <functional>

namespace pgweir {
namespace {

bool equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::shared_ptr<Statement> make(std::string_view text, ByteView parameter_types) {
  auto statement = std::make_shared<Statement>();
  statement->text = text;
  statement->parameter_types.assign(parameter_types.begin(), parameter_types.end());
  statement->effects = effects_of(text);
  return statement;
}

}  // namespace

StatementRef make_unnamed(std::string_view text, ByteView parameter_types) {
  return make(text, parameter_types);
}

// Not shared: a second PREPARE of the same text has to succeed on the same backend.
StatementRef StatementCache::make_by_sql(std::string_view rest, std::string_view body) {
  std::shared_ptr<Statement> made = make(rest, {});
  made->effects = effects_of(body);
  made->by_sql = true;
  const std::lock_guard lock(mutex_);
  made->server_name = std::string(server_name_prefix) + std::to_string(next_id_++);
  return made;
}

StatementRef StatementCache::intern(std::string_view text, ByteView parameter_types, std::string_view scope) {
  const std::hash<std::string_view> hash_of;
  const std::size_t hash =
      hash_of(text) ^ (hash_of(as_text(parameter_types)) * 31) ^ (hash_of(scope) * 1099511628211U);
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    StatementRef known = it->second.statement.lock();
    if (known && known->text == text && equal(known->parameter_types, parameter_types) &&
        it->second.scope == scope) {
      return known;
    }
  }
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.statement.expired(); });
    sweep_at_ = std::max<std::size_t>(256, known_.size() * 2);
  }
  std::shared_ptr<Statement> made = make(text, parameter_types);
  made->server_name = std::string(server_name_prefix) + std::to_string(next_id_++);
  known_.emplace(hash, Known{made, std::string(scope)});
  return made;
}

StatementRef StatementCache::copy(const StatementRef& statement) {
  auto fresh = std::make_shared<Statement>(*statement);
  const std::lock_guard lock(mutex_);
  fresh->server_name = std::string(server_name_prefix) + std::to_string(next_id_++);
  return fresh;
}

StatementRef StatementCache::renew(const StatementRef& statement) {
  forget(statement);
  return copy(statement);
}

void StatementCache::forget(const StatementRef& statement) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& entry) { return entry.second.statement.lock() == statement; });
}

std::size_t StatementCache::size() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace pgweir
