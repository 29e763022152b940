// The end of a session for its client. Thread rule: the session's worker.
#pragma once

#include <chrono>

#include "proxy/entry/session_parts.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// A client that was told why it is closed may take this long to read it.
constexpr std::chrono::milliseconds linger_timeout{500};

// Tells the client why, and gives it a moment to read that: closing on unread data would take it away again.
Task<> say_goodbye(const SessionParts& parts);

}  // namespace pgweir
