#include "proxy/pool/statement_cache.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "protocol/frontend.hpp"
#include "protocol/sql_named.hpp"

namespace pgweir {
namespace {

constexpr std::size_t sweep_least = 256;

bool equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string random_name() {
  std::array<unsigned char, 12> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("no random bytes for the name of a prepared statement");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string name(server_name_prefix);
  for (const unsigned char byte : bytes) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

std::shared_ptr<Statement> make(std::string_view text, ByteView parameter_types) {
  auto statement = std::make_shared<Statement>();
  statement->text = text;
  statement->parameter_types.assign(parameter_types.begin(), parameter_types.end());
  statement->effects = effects_of(text);
  if (statement->effects.may_set)
    statement->set_config = std::make_unique<const SetConfigUse>(find_set_config(text));
  return statement;
}

std::shared_ptr<Statement> copy_of(const Statement& statement, ByteView parameter_types) {
  std::shared_ptr<Statement> copy = make(statement.text, parameter_types);
  copy->context = statement.context;
  if (!statement.by_sql) return copy;
  copy->by_sql = true;
  copy->sql_head = statement.sql_head;
  copy->effects = statement.effects;
  copy->set_config =
      statement.set_config ? std::make_unique<const SetConfigUse>(*statement.set_config) : nullptr;
  return copy;
}

// BackendStatements keeps account of names with the prefix. This name has none, so it belongs to no client,
// wherever it is left.
StatementRef make_taken() {
  std::shared_ptr<Statement> taken = make({}, {});
  taken->server_name = random_name().substr(2);
  return taken;
}

std::size_t hash_of(std::string_view text, ByteView parameter_types, const MapRef& context,
                    std::uint64_t schema_version) {
  const std::hash<std::string_view> hash;
  const std::size_t mixed = hash(text) ^ (hash(as_text(parameter_types)) * 31) ^
                            (std::hash<const void*>()(context.get()) * 1099511628211U) ^
                            (schema_version * 0x9e3779b97f4a7c15U);
  return mixed | 1;  // never 0
}

}  // namespace

StatementRef make_unnamed(std::string_view text, ByteView parameter_types, const MapRef& settings) {
  const std::shared_ptr<Statement> made = make(text, parameter_types);
  made->context = settings;
  return made;
}

// But for the name it is what the client wrote, so that places in errors are those in its text.
std::string text_of_prepare(const Statement& statement) {
  const std::string written = statement.sql_head + statement.text;
  if (statement.has_client_name) return written;
  const std::optional<NamedStatement> named = parse_named(written);
  const std::string head = named ? statement.sql_head.substr(0, named->name_offset) : "PREPARE ";
  return head + '"' + statement.server_name + '"' + statement.text;
}

StatementCache::StatementCache() : own_name_(random_name()), taken_name_(make_taken()) {}

// The statement is not shared: a second PREPARE of the same text has to succeed on the same backend.
StatementRef StatementCache::make_by_sql(std::string_view rest, std::string_view body, const MapRef& context,
                                         std::string_view head) {
  std::shared_ptr<Statement> made = make(rest, {});
  made->sql_head = head;
  made->effects = effects_of(body);
  made->set_config =
      made->effects.may_set ? std::make_unique<const SetConfigUse>(find_set_config(body)) : nullptr;
  made->by_sql = true;
  made->context = context;
  made->server_name = random_name();
  return made;
}

std::shared_ptr<Statement> StatementCache::make_own(std::string_view text, ByteView parameter_types) const {
  std::shared_ptr<Statement> made = make(text, parameter_types);
  made->server_name = random_name();
  return made;
}

StatementRef StatementCache::intern(std::string_view text, ByteView parameter_types, const MapRef& context,
                                    std::uint64_t schema_version) {
  if (!context) return make_own(text, parameter_types);
  const std::size_t hash = hash_of(text, parameter_types, context, schema_version);
  const std::lock_guard lock(mutex_);
  if (StatementRef known = find_shared(hash, text, parameter_types, context, schema_version)) return known;
  std::shared_ptr<Statement> made = make_own(text, parameter_types);
  keep(made, hash, context, schema_version);
  return made;
}

// Nobody else has the statement yet: its client alone does, and backends, which read only its name.
void StatementCache::share(const std::shared_ptr<Statement>& own, const MapRef& context,
                           std::uint64_t schema_version) {
  const std::size_t hash = hash_of(own->text, own->parameter_types, context, schema_version);
  const std::lock_guard lock(mutex_);
  if (find_shared(hash, own->text, own->parameter_types, context, schema_version)) {
    own->context = context;
  } else {
    keep(own, hash, context, schema_version);
  }
}

StatementRef StatementCache::find_shared(std::size_t hash, std::string_view text, ByteView parameter_types,
                                         const MapRef& context, std::uint64_t schema_version) const {
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    StatementRef known = it->second.statement.lock();
    if (known && it->second.context == context && it->second.schema_version == schema_version &&
        known->text == text && equal(known->parameter_types, parameter_types)) {
      return known;
    }
  }
  return nullptr;
}

void StatementCache::keep(const std::shared_ptr<Statement>& made, std::size_t hash, const MapRef& context,
                          std::uint64_t schema_version) {
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.statement.expired(); });
    sweep_at_ = std::max(sweep_least, known_.size() * 2);
  }
  made->cache_hash = hash;
  made->context = context;
  known_.emplace(hash, Known{made, context, schema_version});
}

StatementCache::Table::iterator StatementCache::find(const StatementRef& statement) {
  if (statement->cache_hash == 0) return known_.end();
  const auto [begin, end] = known_.equal_range(statement->cache_hash);
  const auto it =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second.statement.lock() == statement; });
  return it == end ? known_.end() : it;
}

void StatementCache::forget(const StatementRef& statement) {
  const std::lock_guard lock(mutex_);
  if (const auto it = find(statement); it != known_.end()) known_.erase(it);
}

StatementRef StatementCache::renew(const StatementRef& statement) {
  std::shared_ptr<Statement> fresh = copy_of(*statement, statement->parameter_types);
  fresh->server_name = random_name();
  const std::lock_guard lock(mutex_);
  if (const auto it = find(statement); it != known_.end()) {
    fresh->cache_hash = statement->cache_hash;
    it->second.statement = fresh;
  }
  return fresh;
}

// Parameter types that were inferred once stay, and what its client was told of its rows.
StatementRef StatementCache::make_named(const StatementRef& statement, std::string_view client_name) const {
  const StatementShape* const shape = statement->shape.get();
  std::shared_ptr<Statement> named =
      copy_of(*statement,
              shape != nullptr && !statement->by_sql ? shape->parameter_types : statement->parameter_types);
  named->server_name = truncate_identifier(client_name);
  named->has_client_name = true;
  if (shape != nullptr) named->shape.learn(*shape);
  return named;
}

StatementRef StatementCache::renew_for_holder(const StatementRef& statement, std::uint64_t schema_version) {
  const StatementShape* const shape = statement->shape.get();
  if (statement->by_sql || shape == nullptr) return renew(statement);
  forget(statement);
  return intern(statement->text, shape->parameter_types,
                std::static_pointer_cast<const SettingMap>(statement->context), schema_version);
}

std::size_t StatementCache::size() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace pgweir
