#include "proxy/services.hpp"

#include "proxy/worker.hpp"

namespace pgweir {

std::size_t Services::sessions() const {
  std::size_t sum = 0;
  for (const std::unique_ptr<Worker>& worker : workers) sum += worker->sessions();
  return sum;
}

}  // namespace pgweir
