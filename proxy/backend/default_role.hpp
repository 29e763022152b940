// A server connection that has just logged in is asked which role its login gave it (ALTER ROLE ... SET
// role): "none" is not the default then, and no catalogue tells later which role it was. It is also asked
// whether the login's search_path has the temporary schema: a table that is made without a schema may then be
// temporary. SQL, a reader of the answer, sans-I/O, and the exchange.
//
//   Query(question) ->   <- T D C Z
//
// Thread rule: the worker's thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocol/framer.hpp"
#include "proxy/backend/opener.hpp"

namespace pgweir {

inline constexpr std::string_view default_role_question =
    "SELECT pg_catalog.current_setting('role'),"
    "pg_catalog.strpos(pg_catalog.lower(pg_catalog.current_setting('search_path')),'pg_temp')";

class DefaultRoleReply {
 public:
  enum class Step : std::uint8_t { go_on, done, broken };

  // Called with each message but ParameterStatus.
  Step take(const Piece& piece);
  // "none", unless the login set another one.
  const std::string& role() const { return role_; }
  // Whether objects that are created without a schema may be temporary, by the search_path of the login.
  bool path_is_temporary() const { return path_is_temporary_; }

 private:
  Step take_row(const Piece& piece);

  ByteBuffer row_;  // the part of the row that has arrived, as it may come in pieces
  bool has_row_ = false;
  std::string role_;
  bool path_is_temporary_ = false;
};

// Fills in Backend::default_role and default_path_is_temporary. A server that does not answer in time is
// treated like one that refused the login.
Task<Opened> learn_default_role(Worker& here, Opened opened, std::chrono::milliseconds limit);

}  // namespace pgweir
