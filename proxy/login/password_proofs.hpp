// Passwords that the server is to judge, from the moment when a client has told one to the server's answer:
// which sessions wait for which login, how many logins there may be, and which passwords have just been
// refused. The pool knows those that the server took.
//
// A password is known here by a keyed hash of database, user and password; the key is this process's own.
// Pure but for random numbers; thread rule: any thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "protocol/bytes.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/base/session_address.hpp"

namespace pgweir {

using PasswordDigest = std::array<Byte, 32>;
bool equal_in_constant_time(const PasswordDigest& a, const PasswordDigest& b);

struct PasswordVerdict {
  enum class Kind : std::uint8_t { right, wrong, unknown };
  Kind kind = Kind::unknown;
  std::string message = {};  // why it is unknown
};

class PasswordProofs {
 public:
  // For this long, a password that was refused is refused again without asking. A fleet that has an old one,
  // or a client that sends one again and again, costs the server one login in that time.
  static constexpr std::chrono::milliseconds refusal_memory{5'000};
  // Refused passwords that are remembered. When there are more, all are forgotten: then they cost logins, of
  // which there are never more than max_unproven at a time.
  static constexpr std::size_t refusals_max = 4'096;

  // One login to the server that is to judge a password.
  class Proof;
  using Ref = std::shared_ptr<Proof>;

  PasswordProofs();

  PasswordDigest digest(const std::string& database, const std::string& user,
                        const config::Secret& password) const;

  struct Attempt {
    enum class Kind : std::uint8_t {
      refused,  // a moment ago
      joined,   // another client waits for the same
      begun,    // see to it that finish() is called
      busy,     // too many at a time: come again
    };
    Kind kind = Kind::busy;
    Ref proof = {};
  };
  // Whose password it is, and how many may be under way: for all of this entry under `databases`, and for the
  // one user, whose pool may be without a free place for long.
  struct Subject {
    std::string entry;
    std::string database;
    std::string user;
    std::size_t max_for_entry = 0;
    std::size_t max_for_user = 0;
  };
  // finish() returns `who`.
  Attempt begin(const Subject& subject, const PasswordDigest& digest, SessionAddress who, TimePoint now);
  // nullopt: it is under way.
  std::optional<PasswordVerdict> judgement(const Ref& proof) const;
  // Returns the sessions that wait for it.
  std::vector<SessionAddress> finish(const Ref& proof, PasswordVerdict judgement, TimePoint now);

  // The pool knew the password; for counts() only.
  void note_known();

  // Counts since the start, except under_way.
  struct Counts {
    std::uint64_t known = 0;  // by the pool, without asking
    std::uint64_t right = 0;  // logins to the server, by what it said
    std::uint64_t wrong = 0;
    std::uint64_t unknown = 0;  // it could not be asked
    std::uint64_t again = 0;    // refused without asking
    std::size_t under_way = 0;
  };
  Counts counts() const;

 private:
  mutable std::mutex mutex_;
  std::array<Byte, 32> key_{};
  std::map<PasswordDigest, Ref> proofs_;
  std::map<std::string, std::size_t> of_entries_;
  std::map<std::pair<std::string, std::string>, std::size_t> of_users_;  // by database and user
  std::map<PasswordDigest, TimePoint> refused_;
  Counts counts_;
};

}  // namespace pgweir
