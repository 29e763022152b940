#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pgweir {

// Below the 5 s that containers give a health check, so that the reason still gets told.
constexpr std::chrono::milliseconds health_timeout{4'000};

// For containers: asks a running process at its admin address, `path` being /healthz or /readyz. True when
// the answer is 200; `answer` is what the process says of itself. Throws when the process cannot be asked, or
// does not answer in time.
bool ask_health(const std::string& admin_host, std::uint16_t admin_port, const std::string& path,
                std::string& answer);

}  // namespace pgweir
