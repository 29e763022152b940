// pgweir's own queries that are under way on a session's backend, and what they have answered so far. Owned
// by a session. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/statement_map.hpp"
#include "proxy/state/state_check.hpp"

namespace pgweir {

// pgweir's own queries; their replies never reach the client.
enum class OwnQuery : std::uint8_t {
  prelude,
  check,
  last_value,
  triggers,
  sources,
  reset_settings,
  rollback,
  reset,
  no_op
};

// An own query that is to be sent.
struct OwnQuestion {
  OwnQuery which;
  std::string sql;
};

struct OwnError {
  std::string code;
  std::string message;
};

// A statement that pgweir could not prepare for the client's message behind it, and the server's ErrorResponse.
struct RefusedStatement {
  StatementRef statement;  // null: none
  ByteBuffer error;
};

struct OwnQueries {
  StateAnswer answer;               // what OwnQuery::check has said so far
  std::unique_ptr<OwnError> error;  // of the own query that failed last
  std::unique_ptr<RefusedStatement> refused;
  bool has_last_value = false;  // lastval() has answered OwnQuery::last_value
  bool cancelled = false;       // OwnQuery::check was cancelled
  bool failed = false;          // a rollback or reset did not work: the backend cannot be trusted

  bool empty() const { return under_way_.empty(); }
  std::size_t size() const { return under_way_.size(); }
  OwnQuery front() const { return under_way_.front(); }
  void begin(OwnQuery which) { under_way_.push_back(which); }
  OwnQuery end_oldest() {
    const OwnQuery oldest = under_way_.front();
    under_way_.erase(under_way_.begin());
    return oldest;
  }
  void clear() { under_way_.clear(); }

  // Between asking the server for the session's state and acting on the answer, nothing may change it.
  bool asks_for_state() const {
    if (empty()) return false;
    const OwnQuery first = front();
    return first == OwnQuery::check || first == OwnQuery::last_value || first == OwnQuery::triggers ||
           first == OwnQuery::sources || first == OwnQuery::reset_settings;
  }

 private:
  std::vector<OwnQuery> under_way_;  // oldest first
};

}  // namespace pgweir
