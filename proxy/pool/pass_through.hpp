// What a pool knows of a user who is not in the file: the password that the server has accepted, and whether
// the pool is still used. After a while without use such a pool is removed, and the password with it.
//
// Pure. Thread rule: one owner, the pool under its mutex.
#pragma once

#include <chrono>
#include <optional>

#include "proxy/base/clock.hpp"
#include "proxy/login/password_proofs.hpp"

namespace pgweir {

class PassThrough {
 public:
  // The pool is, or stays, that of a user who is not in the file. What is known is kept.
  void begin(TimePoint now, std::chrono::milliseconds forget_after);
  // The user is in the file now.
  void end();
  bool is_on() const { return on_; }

  // Whether the server took this password less than `age_max` ago. If so, the pool counts as used.
  bool knows(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds age_max);
  // The server has taken this password, or refused it, by a login that was to prove it.
  void proved(const PasswordDigest& digest, TimePoint now);
  void refused(const PasswordDigest& digest);
  // The server has taken the known password once more, by a login of the pool's.
  void renew(TimePoint now);
  void forget() { known_.reset(); }

  // Whether the pool has been unused for so long that it may be removed.
  bool is_unused(TimePoint now, bool has_clients);

 private:
  struct Known {
    PasswordDigest digest{};
    TimePoint proved_at{};
  };
  bool is_known(const PasswordDigest& digest) const;

  bool on_ = false;
  std::chrono::milliseconds forget_after_{0};
  TimePoint used_at_{};
  std::optional<Known> known_;
};

}  // namespace pgweir
