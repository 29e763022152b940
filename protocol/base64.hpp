// Base64 (RFC 4648, section 4), as SCRAM uses it. Pure functions: any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir {

void append_base64(ByteView bytes, std::string& out);
std::string to_base64(ByteView bytes);

// Canonical input only: full groups, padding at the end, unused bits zero, no white space. Then one text
// stands for one value, and comparing texts compares values. False for anything else, with `out` unspecified.
[[nodiscard]] bool from_base64(std::string_view text, ByteBuffer& out);

}  // namespace pgweir
