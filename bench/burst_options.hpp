// What the user asked a burst to do. Checked once, before anything is opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pgweir::bench {

struct BurstOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6432;
  std::string user = "postgres";
  std::string password;  // never printed
  std::string database;  // empty: the user's name, as in libpq
  std::uint32_t clients = 1000;
  double rate = 0;  // clients started per second; 0: as fast as possible
  std::uint32_t transactions = 3;
  std::string query = "SELECT 1";
  bool hold = true;                  // stay connected until every client has connected or failed
  std::chrono::seconds timeout{60};  // of one step: connect and login, or one transaction
  std::uint32_t source_addresses = 1;
  std::string watch;  // conninfo of the server itself; empty: do not watch
  bool json = false;
  bool progress = true;

  const std::string& database_name() const { return database.empty() ? user : database; }
};

// Everything that is wrong, one sentence each; empty: the burst can start.
std::vector<std::string> check(const BurstOptions& options);

}  // namespace pgweir::bench
