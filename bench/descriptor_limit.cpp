#include "bench/descriptor_limit.hpp"

#include <sys/resource.h>

#include <stdexcept>
#include <string>

namespace pgweir::bench {

void require_descriptors(std::size_t count) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("cannot read the limit of open files");
  limit.rlim_cur = limit.rlim_max;
  // Only a privileged process may raise the hard limit; the others keep what they have.
  if (limit.rlim_max < count) limit.rlim_cur = limit.rlim_max = count;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("cannot read the limit of open files");
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max >= count && setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  throw std::runtime_error("this many clients need " + std::to_string(count) +
                           " open files, and the hard limit is " + std::to_string(limit.rlim_max) +
                           ": raise it (ulimit -Hn " + std::to_string(count) +
                           ") or ask for fewer --clients");
}

}  // namespace pgweir::bench
