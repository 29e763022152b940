// Gives a client a server connection of its own names. On every other one its prepared statements have names of pgweir's,
// among those of other clients; that is seen by who reads pg_prepared_statements, and by code that runs EXECUTE or
// DEALLOCATE of a name in a string. From such a text on, the connection has exactly this client's statements,
// under its names and with its texts, and the client keeps it (Pin::own_statements): what it prepares, runs and drops
// passes as it is, and the server decides what a name stands for. Names that pgweir does not know are the server's.
//
// Keeps nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/sql_effects.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class OwnNames final {
 public:
  explicit OwnNames(Exchange& exchange) : x_(exchange) {}

  // Whether a text with these effects has to be looked at; nearly none has.
  static bool may_matter(const SqlEffects& effects) {
    return effects.statement_names != StatementNames::none || effects.runs_code();
  }
  // Called before the text is sent. Progress::hold: the message waits until the server has answered what came before.
  Progress provide_for(const SqlEffects& effects, std::string_view text) {
    return may_matter(effects) && are_needed(effects, text) ? begin(text) : Progress::done;
  }
  // The same for values that a text gives to code, as they stand in a Bind.
  Progress provide_for_values(const SqlEffects& effects, ByteView values);

 private:
  bool are_needed(const SqlEffects& effects, std::string_view text) const;
  bool has_names() const;
  Progress begin(std::string_view text);
  void drop_others();
  void prepare(const StatementRef& statement);

  Exchange& x_;
};

}  // namespace pgweir
