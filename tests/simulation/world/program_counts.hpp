// What the program tells of itself by its counters, all workers and pools together.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "proxy/base/backend_reason.hpp"
#include "proxy/base/reason.hpp"

namespace pgweir {
struct Services;
}

namespace pgweir::simulation {

struct ProgramCounts {
  std::uint64_t audit_findings = 0;
  std::uint64_t transactions = 0;
  std::uint64_t answered_here = 0;
  std::uint64_t accepted = 0;  // connections of clients
  std::uint64_t cancels_received = 0;
  std::uint64_t cancels_forwarded = 0;
  std::array<std::uint64_t, reason_count> ended{};
  std::array<std::uint64_t, backend_close_count> closes{};
  std::array<std::uint64_t, backend_login_result_count> logins{};

  std::uint64_t of(Reason reason) const { return ended[static_cast<std::size_t>(reason)]; }
  std::uint64_t of(BackendClose reason) const { return closes[static_cast<std::size_t>(reason)]; }
  std::uint64_t all_closes() const;
  std::uint64_t failed_logins() const;  // to the server
  std::uint64_t of(BackendLoginResult result) const { return logins[static_cast<std::size_t>(result)]; }
};

ProgramCounts counts_of(Services& services);
// What no fault explains, in words; empty: there is nothing.
std::string impossible_in(const ProgramCounts& counts);

}  // namespace pgweir::simulation
