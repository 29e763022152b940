// What a ListenHub has to tell sessions, on its way to their workers: collected, then posted to each worker
// as one bundle, in order.
//
// A worker that falls behind must not make bundles pile up without limit: above in_flight_max the hub stops
// reading its server, and is told when there is room again.
//
// Thread rule: the hub's home worker; the sink is called on the subscribers' workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "protocol/bytes.hpp"
#include "proxy/listen/channel_table.hpp"

namespace pgweir {

class Worker;
struct Workers;

// What the hub tells sessions. Called on the thread of `worker`, in the order in which things happened; a
// session may have ended, or have given up the channel, in the meantime. Outlives the workers' threads.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;
  // A whole NotificationResponse for these sessions.
  virtual void deliver(unsigned worker, std::span<const std::uint64_t> sessions,
                       const std::shared_ptr<const ByteBuffer>& message) = 0;
  // The answer to a change() that this session has asked for.
  virtual void listen_answered(unsigned worker, std::uint64_t session, ListenOutcome outcome) = 0;
  // The session listens to nothing any more, and may have missed notifications.
  virtual void listening_lost(unsigned worker, std::uint64_t session) = 0;
};

class HubOutbox : public std::enable_shared_from_this<HubOutbox> {
 public:
  HubOutbox(Worker& home, Workers& workers, NotificationSink& sink, std::size_t in_flight_max);

  void deliver(const Audience& audience, std::shared_ptr<const ByteBuffer> message);
  void answer(const ListenAnswer& answer);
  void lost(Subscriber who);
  // Sends off what was collected.
  void post();

  // False: there is too much under way; `on_room` is called when that may have changed.
  bool has_room();
  bool waits_for_room() const { return waiting_; }
  // `on_room` is called on the home worker; empty: no call.
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }

 private:
  struct Delivery {
    std::shared_ptr<const std::vector<std::uint64_t>> sessions;
    std::shared_ptr<const ByteBuffer> message;
  };
  struct Lost {
    std::uint64_t session;
  };
  using Parcel = std::variant<Delivery, ListenAnswer, Lost>;
  using Bundle = std::vector<Parcel>;

  void hand_over(unsigned worker, const Bundle& bundle);
  void taken(std::size_t bytes);

  Worker& home_;
  Workers& workers_;
  NotificationSink& sink_;
  const std::size_t in_flight_max_;
  std::vector<Bundle> bundles_;  // by worker
  std::function<void()> on_room_;
  // Any thread: bytes that no worker has dealt with yet, and whether the hub waits for that.
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<bool> waiting_{false};
};

}  // namespace pgweir
