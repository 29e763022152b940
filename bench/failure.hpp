// Why a client of the load generator was not served. A value; grouped and counted by FailureTable.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/error_code.hpp>

#include "protocol/bytes.hpp"

namespace pgweir::bench {

// What a client was doing; the order is the order of its life.
enum class Stage { connecting, logging_in, querying, idle, thawing };

std::string_view to_string(Stage stage);

inline constexpr std::string_view timeout_code =
    "TIMEOUT";  // the generator's own, when a step takes too long

struct Failure {
  std::string code;  // SQLSTATE, errno name such as ECONNREFUSED, or TIMEOUT, EOF, PROTOCOL
  std::string text;  // the server's or the system's sentence
  Stage stage = Stage::connecting;

  bool is_timeout() const { return code == timeout_code; }
};

// Body of an ErrorResponse (PostgreSQL documentation, 55.8): its SQLSTATE and message.
Failure failure_from_error_response(ByteView body, Stage stage);
Failure failure_from_system(const boost::system::error_code& error, Stage stage);

struct FailureCount {
  Failure failure;
  std::size_t count = 0;
};

// Counts equal failures. At most `groups_max` groups are kept; a server that puts a number into every message
// must not fill the report, so further messages are counted in one group per code.
class FailureTable {
 public:
  static constexpr std::size_t groups_max = 20;

  void add(const Failure& failure);
  // Most frequent first.
  std::vector<FailureCount> sorted() const;

 private:
  std::map<std::string, FailureCount, std::less<>> groups_;
};

}  // namespace pgweir::bench
