// Asking an idle backend whether its own role may still log in, and until when its password is good: SQL, and
// a reader of the answer, sans-I/O.
//
//   Query(settings back to a fresh login's)  Query(question) ->   <- ... Z   T D C Z
//
// Thread rule: one owner.
#pragma once

#include <string>
#include <string_view>

#include "protocol/framer.hpp"
#include "proxy/backend/role_standing.hpp"

namespace pgweir {

// Any role may read pg_roles, which hides only passwords. Every name is qualified. The question uses
// session_user, so that no name has to be spelled in any encoding; infinite moments are infinite seconds.
inline constexpr std::string_view role_question =
    "SELECT rolname,rolcanlogin,"
    "pg_catalog.date_part('epoch',rolvaliduntil) OPERATOR(pg_catalog.-)"
    " pg_catalog.date_part('epoch',pg_catalog.clock_timestamp())"
    " FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) session_user";

class RoleReply {
 public:
  enum class Step : std::uint8_t { go_on, done, broken };

  // `login_user`: the role's name when the backend logged in. `queries`: how many were sent, the question
  // last.
  RoleReply(std::string_view login_user, unsigned queries) : login_user_(login_user), left_(queries) {}

  // Called with each message but ParameterStatus. broken: the backend has become useless.
  Step take(const Piece& piece);
  const RoleAnswer& answer() const { return answer_; }

 private:
  Step take_error(const Piece& piece);
  Step take_row(const Piece& piece);
  Step take_end(const Piece& piece);

  std::string_view login_user_;
  unsigned left_;
  ByteBuffer row_;  // the part of the row that has arrived, as it may come in pieces
  bool has_row_ = false;
  bool failed_ = false;
  RoleAnswer answer_;
};

}  // namespace pgweir
