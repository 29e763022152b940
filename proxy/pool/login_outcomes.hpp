// What a pool's logins to its server have come to: whether one has ever succeeded, since when none does, and
// why the server refuses us for good. Decides which of the failures get a line in the log.
//
// Pure. Thread rule: one owner, the pool under its mutex.
#pragma once

#include <chrono>
#include <optional>

#include "proxy/backend/backend_login.hpp"
#include "proxy/backend/login_backoff.hpp"
#include "proxy/backend/login_failure_log.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/base/facts.hpp"

namespace pgweir {

class LoginOutcomes {
 public:
  // A server that refused us is asked again for who comes later than this.
  static constexpr std::chrono::milliseconds refusal_age_max = login_backoff_max;

  void succeeded();
  // True: this failure, one of so many in a row, gets a line in the log.
  [[nodiscard]] bool failed(const ServerRefusal& refusal, unsigned failures_in_a_row, TimePoint now);

  // Of a server that refuses us for good, as far as known: trying again soon cannot help.
  const std::optional<ServerRefusal>& refusal() const { return refusal_; }
  // It is we who refuse, whatever the server said.
  void refuse(ServerRefusal refusal) { refusal_ = std::move(refusal); }
  void forget_old_refusal(TimePoint now);
  void forget_refusal() { refusal_.reset(); }

  // Since when every login has failed, and how the last one did; empty: the last one was well.
  const std::optional<LoginTrouble>& trouble() const { return trouble_; }
  LoginRecord record() const { return record_; }

  // The next login is another one: with another password, or to another server.
  void other_password();
  void other_server();

 private:
  std::optional<ServerRefusal> refusal_;
  TimePoint refused_at_{};
  std::optional<LoginTrouble> trouble_;
  LoginRecord record_ = LoginRecord::untried;
  LoginFailureLog log_;
};

}  // namespace pgweir
