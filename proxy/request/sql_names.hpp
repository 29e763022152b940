// SQL that makes, runs or drops a prepared statement by its name: the server knows it under pgweir's name.
// Keeps nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_effects.hpp"
#include "protocol/sql_named.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

// Whether the text runs, makes or drops a prepared statement by its name; `verb` is its first.
bool names_statement(Verb verb, std::string_view text);
// By how many characters a text became longer.
std::int32_t growth(std::string_view before, std::string_view after, const ClientSettings& client);

class SqlNames final {
 public:
  explicit SqlNames(Exchange& exchange) : x_(exchange) {}

  // A statement that another one names, and how.
  struct NamedUse {
    NamedStatement named;
    StatementRef statement;
  };
  std::optional<NamedUse> find_named(std::string_view text) const;
  Progress resolve(StatementRef& statement, int depth = 0);
  std::string name_dropped_by(const Statement& statement, int depth = 0) const;
  void tell_cut(std::string_view text, const NamedStatement& named);
  bool may_name_statement(std::string_view text, const SqlEffects& effects) const;
  std::optional<RequestDisposition> rewrite_named_query(std::string_view text, const SqlEffects& effects,
                                                        Expected& expected);

 private:
  std::string name_dropped(Verb verb, const NamedUse& use) const;
  Progress provide(const StatementRef& statement);
  StatementRef unnamed_of(std::string_view text, ByteView types) const;
  std::string rename_prepare(std::string_view text, SqlNaming& naming);
  std::optional<RequestDisposition> rewrite_string(std::string_view text, const SqlEffects& effects,
                                                   Expected& expected);
  void send_rewritten(std::string_view text, Expected& expected);

  Exchange& x_;
  bool for_query_ = false;              // the message in hand is a Query, whose answer must not be skipped
  bool settings_change_ = false;        // something in it may set what its other statements are planned under
  std::vector<StatementRef> provided_;  // for the text in hand
};

}  // namespace pgweir
