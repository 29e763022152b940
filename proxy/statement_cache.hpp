// The texts of named prepared statements, once each for all clients and backends of a pool, and the name
// under which a backend holds one. Thread rule: any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "protocol/statement_map.hpp"

namespace pgweir {

// Names on the server start with this. A client's own name that does too is never sent as it is.
constexpr std::string_view server_name_prefix = "__pgweir_";

class StatementCache {
 public:
  // The statement for what a Parse said. `scope`: what else decides its meaning when it is parsed (the
  // client's search_path, DateStyle and the like), so that two tables of one name do not share a plan.
  StatementRef intern(std::string_view text, ByteView parameter_types, std::string_view scope);
  // A statement that SQL prepares: `rest` is the PREPARE's text behind the name, `body` that behind AS. Never
  // shared.
  StatementRef make_by_sql(std::string_view rest, std::string_view body);
  // The same statement under a new name on the server.
  StatementRef copy(const StatementRef& statement);
  // Such a copy in place of the old one: the next intern() of its text does not find the old
  // one.
  StatementRef renew(const StatementRef& statement);
  // The next intern() of its text makes a new statement.
  void forget(const StatementRef& statement);
  std::size_t size() const;

 private:
  struct Known {
    std::weak_ptr<const Statement> statement;
    std::string scope;
  };

  mutable std::mutex mutex_;
  std::unordered_multimap<std::size_t, Known> known_;
  std::uint64_t next_id_ = 1;
  std::size_t sweep_at_ = 256;
};

// A statement without a name of its own on the server.
StatementRef make_unnamed(std::string_view text, ByteView parameter_types);

}  // namespace pgweir
