// Resolves, connects and speaks to a server with a deadline: the parts that opening a backend and delivering
// a cancel request share. Thread rule: the worker's thread; everything runs on `here`.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <string>

#include "proxy/base/server_address.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/transport.hpp"

namespace pgweir {

class Worker;

// A Waker that is also woken when its time is up.
class TimedWaker {
 public:
  TimedWaker(Worker& here, std::chrono::milliseconds limit);
  ~TimedWaker();
  Waker& waker() { return waker_; }
  bool expired() const { return expired_; }

 private:
  Waker waker_;
  boost::asio::steady_timer timer_;
  bool expired_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A connected socket, attached to the worker and watched by `clock`. Not open: `error` says why.
struct Connected {
  Transport transport;
  std::string error;
};
Task<Connected> connect_to(Worker& here, ServerAddress address, TimedWaker& clock);

}  // namespace pgweir
