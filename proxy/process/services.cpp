#include "proxy/process/services.hpp"

namespace pgweir {

void Services::make_workers(unsigned count, const SnapshotRef& snapshot) {
  for (unsigned i = 0; i < count; ++i) {
    workers.list.push_back(std::make_unique<Worker>(i, workers.shared, snapshot));
    Worker& worker = *workers.list.back();
    SessionDirectory& directory =
        sessions.add(std::make_unique<SessionDirectory>(worker, session_context, count));
    worker.each_tick([&directory](TimePoint now) { directory.tick(now); });
    worker.each_tick([this, &worker](TimePoint) { pools.maintain(worker); });
  }
}

// Each worker counts on its own: a client that comes or goes meanwhile may be counted or not.
std::size_t Services::clients() const {
  const std::size_t all = sessions.count();
  const std::size_t at_console = console.sessions.load();
  return all > at_console ? all - at_console : 0;
}

}  // namespace pgweir
