// Times as texts for people. Pure.
#pragma once

#include <chrono>
#include <string>

namespace pgweir {

// "80 ms", "4.2 s", "2 min 5 s", "3 h 10 min"
std::string duration_text(std::chrono::duration<double> duration);
// "03:12:44 UTC", as the log has it.
std::string clock_text(std::chrono::system_clock::time_point at);

}  // namespace pgweir
