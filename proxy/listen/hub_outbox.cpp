#include "proxy/listen/hub_outbox.hpp"

#include <utility>

#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

// What a parcel takes up besides its message.
constexpr std::size_t parcel_overhead = 64;

}  // namespace

HubOutbox::HubOutbox(Worker& home, Workers& workers, NotificationSink& sink, std::size_t in_flight_max)
    : home_(home),
      workers_(workers),
      sink_(sink),
      in_flight_max_(in_flight_max),
      bundles_(workers.list.size()) {}

void HubOutbox::deliver(const Audience& audience, std::shared_ptr<const ByteBuffer> message) {
  bundles_[audience.worker].push_back(Delivery{audience.sessions, std::move(message)});
}

void HubOutbox::answer(const ListenAnswer& answer) {
  bundles_[answer.who.worker].push_back(answer);
}

void HubOutbox::lost(Subscriber who) {
  bundles_[who.worker].push_back(Lost{who.session});
}

void HubOutbox::post() {
  for (unsigned worker = 0; worker < bundles_.size(); ++worker) {
    if (bundles_[worker].empty()) continue;
    Bundle bundle = std::exchange(bundles_[worker], {});
    std::size_t bytes = bundle.size() * parcel_overhead;
    for (const Parcel& parcel : bundle) {
      if (const auto* delivery = std::get_if<Delivery>(&parcel)) bytes += delivery->message->size();
    }
    in_flight_ += bytes;
    workers_.list[worker]->post([self = shared_from_this(), worker, bytes, bundle = std::move(bundle)] {
      self->hand_over(worker, bundle);
      self->taken(bytes);
    });
  }
}

// On the thread of `worker`.
void HubOutbox::hand_over(unsigned worker, const Bundle& bundle) {
  for (const Parcel& parcel : bundle) {
    if (const auto* delivery = std::get_if<Delivery>(&parcel)) {
      sink_.deliver(worker, *delivery->sessions, delivery->message);
    } else if (const auto* answer = std::get_if<ListenAnswer>(&parcel)) {
      sink_.listen_answered(worker, answer->who.session, answer->outcome);
    } else {
      sink_.listening_lost(worker, std::get<Lost>(parcel).session);
    }
  }
}

// Any thread. Either this sees that the hub waits, or has_room() sees what was taken.
void HubOutbox::taken(std::size_t bytes) {
  in_flight_ -= bytes;
  if (!waiting_.exchange(false)) return;
  home_.post([self = shared_from_this()] {
    if (self->on_room_) self->on_room_();
  });
}

bool HubOutbox::has_room() {
  if (in_flight_ <= in_flight_max_) return true;
  waiting_ = true;
  if (in_flight_ > in_flight_max_) return false;
  waiting_ = false;
  return true;
}

}  // namespace pgweir
