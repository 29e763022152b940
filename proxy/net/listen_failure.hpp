// What is said when an address cannot be listened on: what the operating system says, which keys of the
// configuration name the address, and what to do. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgweir {

// `section`: of the configuration, with the keys host and port. `error`: errno; 0 if the host's name has no
// address. `why`: its text.
std::string listen_failure(std::string_view section, const std::string& host, std::uint16_t port, int error,
                           std::string_view why);

}  // namespace pgweir
