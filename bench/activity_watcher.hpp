// Looks at pg_stat_activity while a load runs and keeps the numbers of client backends seen.
//
// Thread rule: it has a thread of its own, because libpq's calls block and a sample must neither delay the
// load nor wait for it. Construct, stop() and destroy on one thread.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "bench/burst_result.hpp"

struct pg_conn;

namespace pgweir::bench {

class ActivityWatcher {
 public:
  // Connects straight to the server, before the load begins, and takes the first sample. Counts backends of
  // `user` in `database`, itself left out. Throws std::runtime_error when that is not possible.
  ActivityWatcher(const std::string& conninfo, std::string user, std::string database);

  // Takes a last sample, ends the thread and returns what was seen. Once.
  ServerConnections stop();

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };

  void run(const std::stop_token& stopped);
  bool sample();

  std::unique_ptr<pg_conn, Close> connection_;
  std::string user_;
  std::string database_;
  ServerConnections seen_;  // of the thread, until it has been joined
  std::jthread thread_;
};

}  // namespace pgweir::bench
