// The secrets that users have elsewhere: fetched at the start and then by the clock, and at once when a
// password was refused. What is known stays in use through any outage of AWS. Thread rule: the HttpLoop's
// thread, except stats().
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/aws/client.hpp"
#include "proxy/aws/rotating_secret.hpp"
#include "proxy/login/user_secrets.hpp"

namespace pgweir::aws {

class SecretStore {
 public:
  // A secret is not read more often than this, however many passwords are refused.
  static constexpr std::chrono::milliseconds read_pause{1'000};
  // The pause between failures grows up to this, or up to the interval if that is less.
  static constexpr std::chrono::milliseconds back_off_max{60'000};
  // The most callers that wait for one secret; more are told at once that there is nothing new.
  static constexpr std::size_t waiting_max = 4'096;

  using OnChange = std::function<void(UserSecretsRef)>;
  using Done = std::function<void()>;

  SecretStore(HttpLoop& loop, Client& client, OnChange on_change)
      : loop_(loop), client_(client), on_change_(std::move(on_change)) {}

  // Begins to fetch secrets that are new, and forgets those that are not configured any more.
  void configure(const config::Settings& settings);
  // Reads the user's secret again, AWSPENDING included, unless that was just done: `done` when all is known.
  void refresh(const std::string& user, Done done);
  // What to try when the server has refused this version: nullopt when there is nothing else.
  void other_login(const std::string& user, const std::string& refused,
                   std::function<void(std::optional<SecretLogin>)> done);
  void worked(const std::string& user, const std::string& version);

  struct Stats {
    std::array<std::uint64_t, call_result_count> reads{};
    // Of each user: when its secret was last read, in seconds since 1970; 0: never yet.
    std::map<std::string, std::int64_t> read_at;
  };
  Stats stats() const;

 private:
  // The reading under way, and whether it asks for AWSPENDING, too.
  enum class Reading : std::uint8_t { none, without_pending, with_pending };
  struct Entry {
    explicit Entry(std::chrono::milliseconds grace) : secret(grace) {}
    bool is_parameter() const { return service == Service::ssm; }
    bool is_reading() const { return reading != Reading::none; }
    // No user has it any more: only what was under way still knows it.
    bool is_forgotten() const { return users.empty(); }

    Service service = Service::secretsmanager;
    std::string name;
    std::vector<std::string> users;
    RotatingSecret secret;
    Reading reading = Reading::none;
    bool scheduled = false;  // a reading begins when read_pause is over
    unsigned failures = 0;
    std::uint64_t turn = 0;  // of its timer: an older one does nothing
    std::chrono::steady_clock::time_point read_at{};
    std::vector<Done> waiting;  // for the reading under way
    std::vector<Done> queued;   // for the one after: what is being read may be older than what was refused
  };
  using EntryRef = std::shared_ptr<Entry>;

  EntryRef find(const std::string& user) const;
  void read(EntryRef entry);
  void read_soon(EntryRef entry);
  void ask(const EntryRef& entry, const char* stage, std::function<void(CallReply)> done);
  void ask_parameter(const std::string& name, std::function<void(CallReply)> done);
  void take_current(EntryRef entry, CallReply reply);
  void ask_previous(EntryRef entry);
  void ask_previous_parameter(EntryRef entry, const std::string& version);
  void ask_pending(EntryRef entry);
  void finish(EntryRef entry, CallFailure failure);
  void schedule(EntryRef entry);
  void publish();

  HttpLoop& loop_;
  Client& client_;
  const OnChange on_change_;
  std::chrono::milliseconds interval_{};
  std::map<std::string, EntryRef> entries_;  // by service and name
  UserSecretsRef published_;

  mutable std::mutex mutex_;
  Stats stats_;
};

}  // namespace pgweir::aws
