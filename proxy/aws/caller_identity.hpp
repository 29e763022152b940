// Asks STS who has signed a client's token. Answers are kept by the token's hash: a client that connects
// again with the same one, and all that share it, cost one call. Anything but a clear yes is a no. Thread
// rule: the HttpLoop's thread, except stats().
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/aws/caller_token.hpp"
#include "proxy/aws/http_loop.hpp"

namespace pgweir::aws {

// How a verification ended; metrics have these names.
enum class Verification : std::uint8_t {
  verified,
  cached,       // known from before
  malformed,    // no token that STS need be asked about
  refused,      // by STS
  not_mapped,   // the role may not be this user
  unavailable,  // STS gave no usable answer
};
constexpr std::size_t verification_count = static_cast<std::size_t>(Verification::unavailable) + 1;
std::string_view to_string(Verification verification);

struct CallerVerdict {
  Verification result = Verification::unavailable;
  std::string role;    // with `verified` and `cached`
  std::string reason;  // otherwise, for the log
  bool is_known() const { return result == Verification::verified || result == Verification::cached; }
};

class CallerIdentity {
 public:
  static constexpr std::size_t cache_max = 10'000;         // answers kept; full, the oldest goes
  static constexpr std::size_t calls_max = 16;             // to STS at a time
  static constexpr std::size_t waiting_max = 4'096;        // for a call; more are refused
  static constexpr std::chrono::seconds refusal_kept{10};  // what STS has refused is not asked again so soon
  static constexpr std::chrono::milliseconds timeout{10'000};
  static constexpr std::size_t attempts_max = 3;                   // when STS throttles
  static constexpr std::chrono::milliseconds throttle_pause{200};  // twice that before the third

  using Done = std::function<void(const CallerVerdict&)>;

  explicit CallerIdentity(HttpLoop& loop) : loop_(loop) {}
  void configure(const config::Aws& settings);
  // `done` may be called at once.
  void verify(const std::string& token, Done done);
  // Counts what became of one token, `not_mapped` included.
  void count(Verification result);
  // Any thread.
  std::array<std::uint64_t, verification_count> stats() const;

 private:
  struct Known {
    CallerVerdict verdict;
    Time until;
  };
  struct Question {
    std::string hash;
    CallerToken token;
    std::size_t attempts = 0;
    std::vector<Done> waiting;
  };
  using QuestionRef = std::shared_ptr<Question>;

  void start(QuestionRef question);
  void take(QuestionRef question, HttpReply reply);
  void finish(QuestionRef question, CallerVerdict verdict);
  void keep(const std::string& hash, Known known);

  HttpLoop& loop_;
  config::Aws settings_;
  CallerRules rules_;
  std::map<std::string, Known> cache_;
  std::multimap<Time, std::string> ages_;  // of the cache, by `until`
  std::map<std::string, QuestionRef> open_;
  std::vector<QuestionRef> queue_;
  std::size_t calls_ = 0;
  mutable std::mutex mutex_;
  std::array<std::uint64_t, verification_count> stats_{};
};

}  // namespace pgweir::aws
