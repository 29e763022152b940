// A database server at an address: it accepts connections, lets the model answer each, takes its time, and fails as it
// is told to.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/world/server_pace.hpp"
#include "tests/simulation/world/trace.hpp"

namespace pgweir::simulation {

class ModelCluster;

class ServerHost {
 public:
  ServerHost(Kernel& kernel, Trace& trace, ModelCluster& cluster, std::uint32_t address, std::uint16_t port);
  ~ServerHost();

  ServerPace pace;
  // Of connections that are made from now on.
  Reachability reachability = Reachability::accepts;
  // Ends every session as a crash or an immediate shutdown does: by a FATAL message, half of it, or without a word.
  enum class Ending : std::uint8_t { told, half_told, untold };
  void end_all(Ending ending);
  void end_one(Ending ending);
  // The host is gone, with all connections, and nobody is told.
  void vanish();
  // Sessions whose other end has not left, and those of them that LISTEN for pgweir's clients.
  std::size_t sessions() const;
  std::size_t listening_sessions() const;
  // Who has a place of `max_connections`: whoever has sent a startup packet, until the server has noticed that it is gone.
  struct Taken {
    std::size_t pooled = 0;
    std::size_t listening = 0;       // pgweir's connections that LISTEN for clients
    std::size_t listening_left = 0;  // of these, the ones that are left
    std::size_t left = 0;        // of both, those whose other end is gone, which the server has not noticed
    std::size_t logging_in = 0;  // of those that are not left
    std::size_t pooled_open() const { return pooled + listening_left - left; }
    std::size_t listening_open() const { return listening - listening_left; }
  };
  Taken taken_by(std::string_view user) const;
  // Whether a session runs a statement with this word.
  bool is_running(const std::string& word) const;
  // A request to cancel with the right secret, which meets the session of this process.
  std::function<void(std::uint32_t pid)> canceled = [](std::uint32_t) {};
  std::uint64_t pooled_logins() const { return logins_ - listening_logins_; }
  // Of them, the ones that ended before they said what they were for.
  std::uint64_t mute_logins() const { return mute_logins_; }
  std::uint64_t cancels() const { return cancels_; }  // requests, with any secret
  std::uint64_t accepted() const { return accepted_; }
  // Connections that were broken, given up or never made before it was known what they were for.
  std::uint64_t unheard() const { return unheard_; }
  // What it was asked last that the model cannot answer.
  const std::string& not_understood() const { return not_understood_; }

 private:
  class Connection;
  void accept(std::shared_ptr<End> end);
  void sweep();
  void wake_all();
  void cancel(std::uint32_t pid, ByteView secret);

  Kernel& kernel_;
  Trace& trace_;
  ModelCluster& cluster_;
  std::list<std::shared_ptr<Connection>> connections_;
  std::uint64_t accepted_ = 0;
  std::uint64_t cancels_ = 0;
  std::uint64_t logins_ = 0;
  std::uint64_t listening_logins_ = 0;
  std::uint64_t mute_logins_ = 0;
  std::uint64_t unheard_ = 0;
  std::string not_understood_;
  std::uint32_t next_pid_ = 1'000;
};

}  // namespace pgweir::simulation
