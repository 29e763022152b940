// The line in the log about one statement of a client that stays. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "proxy/base/clock.hpp"
#include "proxy/base/reason.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

// Something has happened to a statement that began, or began to wait, at `since`. The client stays, so that
// no other line tells of it. `cause`: empty where the reason says it all.
void log_statement(const SessionParts& parts, const Exchange& exchange, std::string_view event, Reason reason,
                   TimePoint since, std::string_view cause = {});

}  // namespace pgweir
