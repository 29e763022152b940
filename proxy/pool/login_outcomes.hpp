// How a pool's logins to its server have ended: whether one has ever succeeded, since when all have failed,
// and why the server refuses pgweir for good. Decides which failures get a line in the log.
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
  // A refusal is forgotten for clients that come later than this, so that the server is asked again.
  static constexpr std::chrono::milliseconds refusal_age_max = login_backoff_max;

  void succeeded();
  // True: this failure, the last of this many in a row, gets a line in the log.
  [[nodiscard]] bool failed(const ServerRefusal& refusal, unsigned failures_in_a_row, TimePoint now);

  // Why the server refuses pgweir for good, as far as known: trying again soon cannot help.
  const std::optional<ServerRefusal>& refusal() const { return refusal_; }
  // pgweir itself refuses, whatever the server has said.
  void refuse(ServerRefusal refusal) { refusal_ = std::move(refusal); }
  void forget_old_refusal(TimePoint now);
  void forget_refusal() { refusal_.reset(); }

  // Since when every login has failed, and how the last one did; empty: the last one succeeded.
  const std::optional<LoginTrouble>& trouble() const { return trouble_; }
  LoginRecord record() const { return record_; }

  // From now on logins use another password, or go to another server.
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
