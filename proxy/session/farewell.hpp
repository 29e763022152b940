// The end of a session for its client. Thread rule: the session's worker.
#pragma once

#include <chrono>

#include "proxy/base/counters.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// A client that was told why it is closed may take this long to read it.
constexpr std::chrono::milliseconds linger_timeout{500};

// Tells the client why it is closed, and gives it a moment to read that: a socket that is closed with unread
// data in it takes the message away again.
// `may_speak`: the client is not in the middle of a message, whose rest it would take the reason for. `sent`:
// counts the bytes, or null.
Task<> say_goodbye(const SessionParts& parts, bool may_speak, Counter* sent);

}  // namespace pgweir
