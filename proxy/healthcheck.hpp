#pragma once

#include <cstdint>
#include <string>

namespace pgweir {

// For containers: asks a running process at its admin address. True when it says that it can serve; `answer`
// is its own sentence. Throws when it cannot be asked.
bool ask_ready(const std::string& admin_host, std::uint16_t admin_port, std::string& answer);

}  // namespace pgweir
