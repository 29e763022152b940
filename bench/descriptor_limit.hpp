// File descriptors: a client needs one each.
#pragma once

#include <cstddef>

namespace pgweir::bench {

// Raises this process's soft limit to the hard one. Throws std::runtime_error, saying what to do, when
// `count` are not to be had.
void require_descriptors(std::size_t count);

}  // namespace pgweir::bench
