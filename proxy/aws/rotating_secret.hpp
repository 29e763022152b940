// One secret while it is being rotated. Source: AWS Secrets Manager User Guide, "Rotate secrets".
//
//            AWSPREVIOUS   AWSCURRENT   AWSPENDING        the server takes
//   at rest       1             2            -                   2
//   createSecret  1             2            3                   2
//   setSecret     1             2            3                   3   (one user); 2 and 3 (two users in turn)
//   finishSecret  2             3            -                   3
//
// Between setSecret and finishSecret the current password of a single user is wrong on the server: a login
// that is refused with it tries the pending one, and the next backend begins with the one that worked last.
// Clients fetch the secret themselves, each at its own time, so that a replaced password still lets them in
// for the grace period.
//
// Decides, does nothing itself. Thread rule: one owner.
#pragma once

#include <optional>
#include <vector>

#include "proxy/aws/secret_value.hpp"
#include "proxy/login/user_secrets.hpp"

namespace pgweir::aws {

class RotatingSecret {
 public:
  // Replaced passwords that clients may still bring.
  static constexpr std::size_t replaced_max = 2;
  static_assert(replaced_max + 2 <= accepted_passwords_max);  // beside current and pending

  explicit RotatingSecret(std::chrono::milliseconds grace) : grace_(grace) {}
  void set_grace(std::chrono::milliseconds grace) { grace_ = grace; }

  bool is_known() const { return current_.has_value(); }

  // Takes the version that was fetched. True: another one than before is current now.
  bool take_current(SecretVersion version, Time now);
  // Only needed beside the first current version: versions that are replaced later were current before.
  void take_previous(SecretVersion version, Time now);
  // nullopt: there is none.
  void take_pending(std::optional<SecretVersion> version);

  // A backend has logged in with this version.
  void worked(const std::string& id);
  // What the next backend begins with; null: nothing is known.
  const SecretVersion* preferred() const;
  // What to try after the server has refused that version; null: nothing else is known.
  const SecretVersion* other_than(const std::string& refused) const;

  // Both need is_known(). `user` is used where the secret does not name one.
  UserSecret view(const std::string& user, Time now) const;
  // When view() changes by itself; max(): never.
  Time changes_at(Time now) const;

 private:
  struct Replaced {
    SecretVersion version;
    Time until;
  };

  void keep_replaced(SecretVersion version, Time until);

  std::chrono::milliseconds grace_;
  std::optional<SecretVersion> current_;
  std::optional<SecretVersion> pending_;
  std::vector<Replaced> replaced_;  // latest first
  bool pending_works_ = false;
};

}  // namespace pgweir::aws
