// Why a server connection was closed, and how a login to the server ended: closed lists, with what logs and
// metrics call each. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgweir {

enum class BackendClose : std::uint8_t {
  lost,  // by the server, or it cannot be reached any more
  protocol_violation,
  not_clean,         // what its client left behind could not be taken back in time
  settings_refused,  // it did not take a client's settings, which another one may take
  audit_finding,
  cancel_in_doubt,  // a cancel request that may still be on its way would hit the next client
  idle_timeout,
  max_lifetime,
  outdated,            // a fresh login gets something else by now: after a reload, or ALTER ROLE ... SET
  surplus,             // more than max_size, after that was lowered
  statements_changed,  // code in the database has changed the set of its prepared statements
};
constexpr std::size_t backend_close_count = static_cast<std::size_t>(BackendClose::statements_changed) + 1;

enum class BackendLoginResult : std::uint8_t {
  ok,
  refused,      // by the server, or it asks for what pgweir does not do
  unreachable,  // no address, or no connection to it
  timed_out,
  lost,  // the connection broke while logging in
};
constexpr std::size_t backend_login_result_count = static_cast<std::size_t>(BackendLoginResult::lost) + 1;

// snake_case, for logs and metric labels.
std::string_view to_string(BackendClose reason);
std::string_view to_string(BackendLoginResult result);

}  // namespace pgweir
