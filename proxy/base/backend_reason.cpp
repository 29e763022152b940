#include "proxy/base/backend_reason.hpp"

#include <array>

namespace pgweir {
namespace {

// In the order of the enums.
constexpr std::array<std::string_view, backend_close_count> closes = {"lost",
                                                                      "protocol_violation",
                                                                      "not_clean",
                                                                      "settings_refused",
                                                                      "audit_finding",
                                                                      "cancel_in_doubt",
                                                                      "idle_timeout",
                                                                      "max_lifetime",
                                                                      "outdated",
                                                                      "surplus",
                                                                      "statements_changed"};
constexpr std::array<std::string_view, backend_login_result_count> results = {"ok", "refused", "unreachable",
                                                                              "timed_out", "lost"};

}  // namespace

std::string_view to_string(BackendClose reason) {
  return closes[static_cast<std::size_t>(reason)];
}

std::string_view to_string(BackendLoginResult result) {
  return results[static_cast<std::size_t>(result)];
}

}  // namespace pgweir
