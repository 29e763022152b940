// The texts of named prepared statements, once each for all clients and backends of a pool, and the name
// under which a backend holds one.
//
// PostgreSQL analyses a statement when it is parsed, under the settings of that moment and with the catalogue
// as it is then. So a statement is shared only between clients whose Parse would give the same: the same text
// and declared types, the same settings as far as analysis reads them, and a catalogue to which no DDL went through
// pgweir in between: what was parsed before that stays with those who have parsed it.
// A client's Parse is answered without the server only if that backend has parsed the statement lately, see
// BackendStatements. Otherwise it is parsed again; if the server describes it as before, it stays the same
// statement.
//
// Names are random: code that runs in a database must not be able to name another client's statement.
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/statement_map.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

// Names on the server start with this. A client's own name that starts with it is never sent as it is.
constexpr std::string_view server_name_prefix = "__pgweir_";

class StatementCache {
 public:
  StatementCache();

  // The statement for what a Parse said. `context`: the settings that analysis reads, interned; null: they
  // are not known, so that the statement is not shared. `schema_version`: of the database, now.
  StatementRef intern(std::string_view text, ByteView parameter_types, const MapRef& context,
                      std::uint64_t schema_version);
  // One that is not shared until share() is called.
  std::shared_ptr<Statement> make_own(std::string_view text, ByteView parameter_types) const;
  // What decided the meaning of such a statement is known by now. Others may share it from then on, unless they already
  // share another one.
  void share(const std::shared_ptr<Statement>& own, const MapRef& context, std::uint64_t schema_version);
  // A statement that SQL prepares: `head` is the PREPARE's text up to the name and with it, `rest` that after the name,
  // `body` that after AS. It is never shared.
  StatementRef make_by_sql(std::string_view rest, std::string_view body, const MapRef& context = nullptr,
                           std::string_view head = {});
  // The same statement, on a connection of its client's own names.
  StatementRef make_named(const StatementRef& statement, std::string_view client_name) const;
  // The next intern() of its text makes a new statement: the server describes it differently by now.
  void forget(const StatementRef& statement);
  // Makes a new statement in its place, for the clients that come from now on, and for one that has to have
  // it.
  StatementRef renew(const StatementRef& statement);
  // Does the same for a client that has the old one: its parameters keep the types that the server has
  // inferred once.
  StatementRef renew_for_holder(const StatementRef& statement, std::uint64_t schema_version);
  // The name of pgweir's own statements and portals in the middle of a client's batch.
  const std::string& own_name() const { return own_name_; }
  // Stands for a name that is taken on the server, where a client's Parse has to fail for that reason.
  const StatementRef& taken_name() const { return taken_name_; }
  std::size_t size() const;

 private:
  struct Known {
    std::weak_ptr<const Statement> statement;
    MapRef context;
    std::uint64_t schema_version;
  };
  using Table = std::unordered_multimap<std::size_t, Known>;
  Table::iterator find(const StatementRef& statement);
  // What is shared by this hash; null: nothing.
  StatementRef find_shared(std::size_t hash, std::string_view text, ByteView parameter_types,
                           const MapRef& context, std::uint64_t schema_version) const;
  void keep(const std::shared_ptr<Statement>& made, std::size_t hash, const MapRef& context,
            std::uint64_t schema_version);

  mutable std::mutex mutex_;
  Table known_;
  std::size_t sweep_at_ = 256;
  const std::string own_name_;
  const StatementRef taken_name_;
};

// The text that prepares a statement of SQL's PREPARE on a server, under the name that it has there.
std::string text_of_prepare(const Statement& statement);
// A statement without a name of its own on the server. `settings`: see settings_of_unnamed().
StatementRef make_unnamed(std::string_view text, ByteView parameter_types, const MapRef& settings = nullptr);

}  // namespace pgweir
