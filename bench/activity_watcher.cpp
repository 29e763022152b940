#include "bench/activity_watcher.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace pgweir::bench {
namespace {

constexpr auto sample_interval = std::chrono::milliseconds(20);
constexpr const char* statement_name = "watch";

// backend_type is hidden from roles that may not look at other roles' sessions; a name and a database are
// not, and background processes of other kinds have no such name.
constexpr const char* count_query =
    "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = $2 AND pid <> pg_backend_pid() "
    "AND coalesce(backend_type, 'client backend') = 'client backend'";

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

}  // namespace

void ActivityWatcher::Close::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

ActivityWatcher::ActivityWatcher(const std::string& conninfo, std::string user, std::string database)
    : connection_(PQconnectdb(conninfo.c_str())), user_(std::move(user)), database_(std::move(database)) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(std::string("--watch: ") + PQerrorMessage(connection_.get()));
  const Result prepared(PQprepare(connection_.get(), statement_name, count_query, 2, nullptr));
  if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK || !sample())
    throw std::runtime_error(std::string("--watch: ") + PQerrorMessage(connection_.get()));
  thread_ = std::jthread([this](const std::stop_token& stopped) { run(stopped); });
}

ServerConnections ActivityWatcher::stop() {
  thread_.request_stop();
  thread_.join();
  return seen_;
}

void ActivityWatcher::run(const std::stop_token& stopped) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (sample() && !stopped.stop_requested())
    wake.wait_for(lock, stopped, sample_interval, [] { return false; });
}

bool ActivityWatcher::sample() {
  const char* values[] = {user_.c_str(), database_.c_str()};
  const Result result(PQexecPrepared(connection_.get(), statement_name, 2, values, nullptr, nullptr, 0));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    seen_.problem = PQerrorMessage(connection_.get());
    return false;
  }
  const auto count = static_cast<std::size_t>(std::stoul(PQgetvalue(result.get(), 0, 0)));
  seen_.max = std::max(seen_.max, count);
  if (seen_.course.size() < ServerConnections::course_max) seen_.course.push_back({Clock::now(), count});
  ++seen_.samples;
  return true;
}

}  // namespace pgweir::bench
