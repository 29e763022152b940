// How far a session is, what interrupts it, and why it ends. Thread rule: the session's worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/clock.hpp"
#include "proxy/base/reason.hpp"

namespace pgweir {

struct Life {
  enum class Phase : std::uint8_t { login, serving, closing };

  Phase phase = Phase::login;
  Reason reason = Reason::client_closed;
  std::optional<Reason> interrupt;  // why the session has to stop waiting, or to end
  bool drains = false;
  bool wakes_each_tick = false;  // it waits for something that may pass without waking it
  // What the client is told instead of the reason's own sentence and SQLSTATE; null: the reason's own.
  struct Words {
    std::string message;
    std::string sqlstate;
  };
  std::unique_ptr<const Words> words;
  TimePoint started;
  // When closing ends, or when the held answer to a wrong password is given: the janitor wakes the session
  // then.
  TimePoint closes_at{};

  bool is_serving() const { return phase == Phase::serving; }
  bool is_over() const { return phase == Phase::closing; }
  // Why a session that waits has to stop waiting.
  std::optional<Reason> interrupted() const {
    if (interrupt) return interrupt;
    return drains ? std::optional(Reason::draining) : std::nullopt;
  }
  // Why a login ends that is interrupted while it waits for the server: it is not the client then that took
  // too long.
  Reason interrupt_of_server_wait() const {
    return *interrupt == Reason::login_timeout ? Reason::server_unreachable : *interrupt;
  }
  std::string message() const { return words ? words->message : std::string(); }
  std::string sqlstate() const { return words ? words->sqlstate : std::string(); }
  // The client is told the reason's sentence and SQLSTATE, or these instead. The first reason counts.
  void end(Reason why, std::string_view told = {}, std::string_view code = {}) {
    if (is_over()) return;
    phase = Phase::closing;
    reason = why;
    if (!told.empty() || !code.empty())
      words = std::make_unique<const Words>(Words{std::string(told), std::string(code)});
  }
};

}  // namespace pgweir
