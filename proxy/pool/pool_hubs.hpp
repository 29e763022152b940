// The listening connections of a pool: one hub for each client_encoding that clients listen in, made for the
// first of them. Thread rule: any thread; PoolHubs has a mutex of its own, under which it asks nothing of the
// pool.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/listen/listen_hub.hpp"

namespace pgweir {

class PoolHubs {
 public:
  // Both live longer than any hub.
  PoolHubs(Workers& workers, NotificationSink& sink) : workers_(workers), sink_(sink) {}

  // The hub for clients with this encoding, made on `here` if there is none; null: the pool is gone.
  // `source`: how a hub that has to be made logs in.
  std::shared_ptr<ListenHub> get(const std::string& encoding, Worker& here,
                                 std::function<HubSource()> source);
  std::vector<std::shared_ptr<ListenHub>> all() const;

  // Retires the hubs that exist, as another server is configured. Clients that listen from now on get a new
  // one.
  void retire();
  // Does the same, and no hub is made from now on.
  void close();

 private:
  void retire_all();  // under the mutex

  Workers& workers_;
  NotificationSink& sink_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ListenHub>> hubs_;  // by client_encoding
  bool closed_ = false;
};

}  // namespace pgweir
