// What one session listens to through its pool's hub: the channels, what its transactions ask of them, and
// the notifications that wait until the client may have them. Made when the session first listens; a session
// that never does has none.
//
// Statements run on the session's backend as they are, and this object follows them. Whatever may make a
// LISTEN effective is held until the hub listens, too, so that there is no gap after it. When a transaction
// has ended, the hub is told what did not take effect, and the backend is made to forget the channels. A lone
// LISTEN or UNLISTEN outside a transaction needs no backend at all. What the hub will not do, and what cannot
// be read, stays on the backend, which the session then keeps.
//
// Owned by a session. Thread rule: its worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"
#include "protocol/sql_effects.hpp"
#include "protocol/sql_listen.hpp"
#include "proxy/listen/channel_table.hpp"
#include "proxy/listen/held_notifications.hpp"
#include "proxy/listen/pending_listens.hpp"
#include "proxy/listen/ready_gate.hpp"

namespace pgweir {

// The statements of a query string; nullopt: they cannot be followed.
using ListenSteps = std::optional<std::vector<ListenStep>>;

class ListenState {
 public:
  // A client that takes no notifications may have this many bytes of them waiting.
  static constexpr std::size_t held_max = HeldNotifications::bytes_max;

  // Asks the hub; answered() is called once for each, in order.
  using Ask = std::function<void(ListenChange)>;
  ListenState(Ask ask, std::string encoding) : ask_(std::move(ask)), encoding_(std::move(encoding)) {}

  // Whether it has nothing to say about the session.
  bool is_unused() const {
    return registered_.empty() && asked_.empty() && offer_ == Offer::none && pending_.empty() &&
           followed_.empty() && portals_.empty() && on_backend_.empty() && held_.empty();
  }
  // The hub serves a channel for this session, or will when its transaction commits.
  bool listens() const { return !registered_.empty(); }
  const ChannelNames& channels() const { return channels_; }
  const std::string& encoding() const { return encoding_; }
  // The hub is another one now, which serves what the last one did.
  void moved(std::string encoding);
  bool is_asking() const { return !asked_.empty(); }

  // --- The hub's answers
  void answered(ListenOutcome outcome);

  // --- A lone LISTEN or UNLISTEN of a client without a backend
  enum class Plain : std::uint8_t {
    done,  // it has taken effect
    wait,  // offer it again when the hub has answered
    no,    // only a backend can do it
  };
  Plain take_plain(const ListenStep& step);

  // --- Statements on their way to the backend
  // True if the verbs are of those that decide what is listened to.
  static bool concerns(VerbSet verbs);
  // False: offer the message again when the hub has answered, or more replies have come.
  bool may_forward(const ListenSteps& steps, TransactionStatus status, bool status_is_known);
  // A message is about to go out whose Expected::changes has Change::channels, and does.
  void set_next(ListenSteps steps) { next_ = std::move(steps); }
  void forwarded();
  // The message that was offered went nowhere.
  void forget_offer();
  void bind(std::string_view portal, const SqlEffects& effects, ListenSteps steps);
  void unbind(std::string_view portal);
  // The steps of a portal; null: it has none that matter here.
  const ListenSteps* portal(std::string_view name) const;

  // --- What the server says of them
  void completed(std::string_view tag);
  void failed();
  void ended();
  // A ReadyForQuery for the client. `more_follows`: it has sent more than what that ends.
  void settle(TransactionStatus status, bool more_follows);
  // A notification on this channel is the hub's to deliver, not the backend's.
  bool serves(std::string_view channel) const { return registered_.contains(channel); }

  // --- The backend
  // The backend is about to listen to all of them, so that the client sees them there.
  void note_shown();
  bool is_shown() const { return shown_; }
  // SQL that makes the backend forget what the hub has taken over; empty: there is nothing.
  std::string take_unlisten();
  void backend_lost();

  // --- ReadyForQuery waits for what was committed before it: see ReadyGate
  // To be called when a transaction begins.
  void begin();
  // To be called when the transaction may run NOTIFY.
  void note_may_notify() { ready_.note_may_notify(); }
  static bool may_notify(const SqlEffects& effects, std::string_view text);
  // Whether the ReadyForQuery in hand may be taken. False: it may be when the hub has answered.
  bool may_be_ready();
  void let_ready_wait() { ready_.wait(); }
  bool ready_waits() const { return ready_.is_waiting(); }
  // The ReadyForQuery that had to wait may be looked at again.
  bool take_resume() { return ready_.take_resume(); }

  // --- Notifications
  // Keeps a whole message. False: there are too many.
  bool hold(const HeldNotifications::Message& message) { return held_.add(message, registered_); }
  bool has_held() const { return !held_.empty(); }
  // The oldest one that the client is to have; null: none.
  HeldNotifications::Message take_held() { return held_.take(channels_); }

 private:
  enum class Asked : std::uint8_t {
    nobody_waits,  // the answer does not matter
    // Everything that was committed before has been delivered: before the transaction began, or has ended.
    early,
    late,
    plain,
    candidates,
  };
  enum class Offer : std::uint8_t {
    none,
    waits,
    abandoned,  // it waits, and the message that it was for will not go out
    done,
    failed
  };
  struct Followed {
    ListenSteps steps;
    std::size_t next = 0;
  };

  void ask(Asked what, ListenChange change);
  std::vector<std::string> wanted_by(const ListenSteps& steps, TransactionStatus status) const;
  void drop_unused();
  void give_back_wanted();

  const Ask ask_;
  std::string encoding_;
  ChannelNames channels_;    // in effect
  ChannelNames registered_;  // at the hub: those, and those that may come into effect
  ChannelNames on_backend_;
  std::vector<Asked> asked_;  // not answered yet, oldest first
  Offer offer_ = Offer::none;
  ListenStep plain_;                 // what was asked for
  std::vector<std::string> wanted_;  // or these
  PendingListens pending_;
  ListenSteps next_;
  std::vector<Followed> followed_;  // of messages that are not answered yet
  std::map<std::string, ListenSteps, std::less<>> portals_;
  HeldNotifications held_;
  bool shown_ = false;
  ReadyGate ready_;
};

}  // namespace pgweir
