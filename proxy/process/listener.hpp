// Accepts clients and hands each to the worker with the fewest. It runs on one worker, so that with a single
// worker a new client costs no hop. Thread rule: that worker's thread, except where said.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/net/readiness.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/transport.hpp"

namespace pgweir {

class SessionDirectories;
class Worker;

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // How many clients are accepted in one go before other work gets its turn.
  static constexpr int accepts_per_turn = 64;
  // Without a free descriptor there is nothing to do but wait for one.
  static constexpr std::chrono::milliseconds pause{100};

  // Binds and listens at once; throws an error that names the address and its keys.
  // `shares_port`: see take_over().
  Listener(const std::string& host, std::uint16_t port, bool shares_port);

  // Any thread, once.
  void start(Worker& worker, const SessionDirectories& sessions);
  // Any thread. No client is accepted afterwards.
  void stop();

 private:
  Task<> run(std::shared_ptr<Listener> self, Worker& worker, const SessionDirectories& sessions);
  // False: no descriptors left.
  bool accept_some(const SessionDirectories& sessions);

  UniqueFd socket_;
  Slot* slot_ = nullptr;
  Worker* worker_ = nullptr;
  const SessionDirectories* sessions_ = nullptr;
  bool stopped_ = false;
};

}  // namespace pgweir
