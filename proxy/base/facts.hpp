// Plain facts about clients, server connections and pools at one moment: what the classes that know them tell,
// and what the console, the dashboard and the metrics show. Pure data.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "proxy/base/backend_reason.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/base/duration_counts.hpp"
#include "proxy/base/pin.hpp"

namespace pgweir {

// An address and port as text; empty when it is not known.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};
// Splits "10.0.0.5:41234", "[::1]:41234" or "::1:41234" in two.
Endpoint endpoint_of(const std::string& address_and_port);
// A socket's own address.
Endpoint local_endpoint(int fd);
Endpoint remote_endpoint(int fd);

struct ClientFacts {
  enum class State : std::uint8_t { login, idle, active, waiting };
  State state = State::login;
  std::uint64_t id = 0;
  std::string user;
  std::string database;
  Endpoint peer;
  Endpoint local;
  TimePoint connected{};
  TimePoint request{};                     // the last one
  std::optional<TimePoint> waits_since{};  // for a server connection
  std::uint32_t server_pid = 0;            // 0: it has no server connection
  const void* server = nullptr;
  const void* self = nullptr;
  bool console = false;
  bool closing = false;
  std::string tls;  // version and cipher; empty: plain text
  std::string application_name;
  std::size_t prepared_statements = 0;
  PinSet pins;
  TimePoint pinned_since{};
  std::string pinned_by;  // the first words of the statement
};

struct ServerFacts {
  std::string user;
  std::string database;
  bool borrowed = false;
  bool being_cancelled = false;
  bool outdated = false;  // to be replaced
  Endpoint remote;
  Endpoint local;
  TimePoint connected{};
  TimePoint request{};
  std::uint32_t pid = 0;
  const void* self = nullptr;
  const void* client = nullptr;
  std::string tls;
  std::string application_name;  // its client's
  std::size_t prepared_statements = 0;
};

// What one pool has done since the start, all workers together. Times are in microseconds.
struct PoolTotals {
  std::uint64_t assignments = 0;
  std::uint64_t transactions = 0;
  std::uint64_t queries = 0;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t transaction_us = 0;
  std::uint64_t query_us = 0;
  std::uint64_t wait_us = 0;
  std::uint64_t client_parses = 0;
  std::uint64_t server_parses = 0;
  std::uint64_t binds = 0;
  std::uint64_t logins = 0;
  std::uint64_t server_logins = 0;  // attempted
  std::uint64_t server_logins_failed = 0;

  PoolTotals& operator+=(const PoolTotals& other);
  PoolTotals operator-(const PoolTotals& earlier) const;
};

// How long things took in one pool since the start, all workers together.
struct PoolDurations {
  DurationCounts borrow_wait;
  DurationCounts query;
  DurationCounts transaction;
};

// The best that a login of a pool to its server has come to.
enum class LoginRecord : std::uint8_t {
  untried,  // none has ended yet
  failed,   // all that have ended were refused, or found no server
  reached,  // one has ended well
};

// No login of a pool has succeeded since then.
struct LoginTrouble {
  TimePoint since{};
  TimePoint last_try{};
  BackendLoginResult result = BackendLoginResult::unreachable;
  std::string message;
};

struct PoolCounts {
  std::size_t idle = 0;
  std::size_t borrowed = 0;
  std::size_t opening = 0;
  std::size_t leaving = 0;
  std::size_t waiting = 0;
  std::size_t total() const { return idle + borrowed + opening + leaving; }
  PoolCounts& operator+=(const PoolCounts& other);
};

struct PoolFacts {
  std::string database;
  std::string user;
  std::string host;
  std::uint16_t port = 0;
  std::string dbname;
  PoolCounts counts;
  std::size_t clients = 0;  // logged in
  std::optional<TimePoint> longest_wait{};
  std::shared_ptr<const config::Pool> settings;
  bool paused = false;
  bool up = false;       // a login to its server has succeeded, and none has failed since
  bool retired = false;  // no longer configured
  LoginRecord logins = LoginRecord::untried;
  std::string refusal;  // why the server refuses the pool's logins
  std::optional<LoginTrouble> login_trouble{};
  PoolTotals totals;
  PoolDurations durations;
  std::array<std::uint64_t, pin_count> pinned{};  // sessions now, by Pin
};

// Which clients are described.
enum class ClientsWanted : std::uint8_t {
  none,          // no worker is asked
  with_servers,  // and these server connections, beside the idle ones
  waiting,
  pinned,
  all  // with their local addresses
};

// How many sessions are doing what.
struct ClientTally {
  std::uint64_t tls = 0;
  std::uint64_t in_transaction = 0;
  std::uint64_t pinned = 0;
};

}  // namespace pgweir
