// What must hold of a text before yaml-cpp sees it. Its stream treats byte 0x04 as the end of input and
// guesses encodings from the first bytes; clean UTF-8 without control characters avoids both.
#pragma once

#include <optional>
#include <string_view>

#include "config/problem.hpp"

namespace pgweir::config {

// The first violation: too large, empty, not UTF-8, or a control character other than tab and line ends.
std::optional<Problem> check_text(std::string_view text, std::string_view file);

}  // namespace pgweir::config
