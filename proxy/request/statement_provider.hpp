// Sends what has to go out before a message, so that the backend has the prepared statement that the message
// uses. Keeps nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/frontend.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class StatementProvider final {
 public:
  explicit StatementProvider(Exchange& exchange) : x_(exchange) {}

  enum class Provided : std::uint8_t {
    yes,
    not_yet,  // the message has to be held
    changed,  // the server describes it differently from what the client was told
  };
  // Makes the statement that `name` stands for usable on the backend, by a Parse or Close of pgweir's if need
  // be. `is_direct`: the client's name stands for this statement itself, not for an EXECUTE of it. A client
  // that was never told what the statement looks like gets a new one in place of one that has changed.
  Provided provide(std::string_view name, StatementRef& statement, bool is_direct,
                   const BindView* bind = nullptr);
  // What is provided from now on may be used under other settings than those that are in force: behind a SET of the same
  // string, or by a portal of an EXECUTE, which may run later.
  void expect_other_settings() { settings_change_ = true; }
  Progress provide_named(const StatementRef& statement);
  Progress provide_for_query(const StatementRef& statement);
  void make_room_for(const StatementRef& statement);
  void ask_shape(const StatementRef& statement, Purpose purpose, std::string_view name = {});
  void evict();
  void trim(std::size_t room);

 private:
  void forget_refused();
  Provided provide_own(std::string_view name, const StatementRef& statement);
  Provided check_shape(std::string_view name, StatementRef& statement, const BindView* bind);
  Provided provide_unnamed(const StatementRef& statement);
  ByteView known_types(const Statement& statement) const;
  BackendStatements::Presence find(const StatementRef& statement);
  BackendStatements::Use use_of(const Statement& statement) const;
  void note_use(const StatementRef& statement);
  void note_parse(const StatementRef& statement);
  Progress provide_by_sql(const StatementRef& statement);
  Progress close_doubtful(const StatementRef& statement);
  bool close_surplus(std::size_t room, Fate fate);

  Exchange& x_;
  bool settings_change_ = false;
};

}  // namespace pgweir
