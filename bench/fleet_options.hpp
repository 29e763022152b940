// What the user asked a fleet to do. Checked once, before anything is opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pgweir::bench {

using Seconds = std::chrono::duration<double>;

enum class Connections { cached, per_invocation };
// How an environment that is taken away parts from its connection. `silent`: it stays open without an answer
// until the run ends.
enum class Reaping { silent, close, reset };
enum class Spacing { poisson, even };

// Texts of the command line, in the order of the enumerators.
inline const std::vector<std::string> connections_names = {"cached", "per-invocation"};
inline const std::vector<std::string> reaping_names = {"silent", "close", "reset"};
inline const std::vector<std::string> spacing_names = {"poisson", "even"};

struct FleetTarget {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
};

struct FleetOptions {
  std::vector<std::string> targets;  // NAME=HOST:PORT
  std::string user = "postgres";
  std::string password;  // never printed
  std::string database;  // empty: the user's name, as in libpq

  // When environments arrive: `burst` at once, the others at `arrival_rate`, which is reached after `ramp`.
  std::uint32_t environments = 100;
  std::uint32_t burst = 0;
  double arrival_rate = 100;  // per second: what Lambda adds for one function
  Seconds ramp{0};

  // What each does.
  Seconds duration{30};
  std::uint64_t invocations = 0;  // of each environment at most; 0: until the end
  double invocation_rate = 1;     // per second and environment
  Seconds think_time{0};          // the same the other way round; 0: use the rate
  Spacing spacing = Spacing::poisson;
  Connections connections = Connections::cached;

  // How it pauses and ends.
  double freeze = 0;                 // probability, after each invocation
  double freeze_in_transaction = 0;  // of those: in the middle of a transaction
  double reap = 0;                   // of those: never to thaw
  Seconds freeze_time{5};            // mean
  Reaping reaping = Reaping::silent;

  std::uint64_t seed = 1;
  std::string mix_file;              // empty: the built-in mix
  std::chrono::seconds timeout{60};  // of one step: connect and login, or one query
  Seconds grace{30};                 // after the duration, for what is under way
  Seconds pause{2};                  // between two targets
  std::uint32_t source_addresses = 1;
  std::string watch;  // conninfo of the server itself; empty: do not watch

  bool json = false;
  std::string json_file;
  std::string html_file;
  bool progress = true;
  bool fail_on_errors = false;

  const std::string& database_name() const { return database.empty() ? user : database; }
  // Seconds between two invocations of an environment, on average.
  Seconds interval() const { return think_time.count() > 0 ? think_time : Seconds(1 / invocation_rate); }
};

// Everything that is wrong, one sentence each; empty: the fleet can start.
std::vector<std::string> check(const FleetOptions& options);

// The targets of checked options.
std::vector<FleetTarget> parse_targets(const FleetOptions& options);

}  // namespace pgweir::bench
