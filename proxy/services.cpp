#include "proxy/services.hpp"

#include "proxy/worker.hpp"

namespace pgweir {

std::size_t Services::sessions() const {
  std::size_t sum = 0;
  for (const std::unique_ptr<Worker>& worker : workers) sum += worker->sessions();
  return sum;
}

// Workers count on their own: what comes and goes meanwhile may be counted here or there.
std::size_t Services::clients() const {
  const std::size_t all = sessions();
  const std::size_t at_console = consoles.load();
  return all > at_console ? all - at_console : 0;
}

}  // namespace pgweir
