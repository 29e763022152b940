// Who listens to what through one connection: the bookkeeping of a ListenHub. Pure: no lock, socket or clock.
//
// Clients ask for changes; the table says which commands the server must be sent for them, and which clients
// to answer when the server has answered. Commands go out in batches, one batch at a time; what is asked for
// meanwhile shares the next.
//
//   change(A: LISTEN x)    -> next_batch(): LISTEN x      -> acknowledge(): A listens and is answered
//   change(B: LISTEN x)    -> next_batch(): a round trip  -> acknowledge(): B listens and is answered
//   change(A: UNLISTEN x)  -> next_batch(): a round trip  -> acknowledge(): A has got all it was owed
//   change(B: UNLISTEN x)  -> next_batch(): a round trip  -> acknowledge(): B is answered
//                             next_batch(): UNLISTEN x
//
// No client is answered before the server has answered something that was sent after the request. PostgreSQL
// answers a command only after it has delivered what was committed before it read the command (see
// listen_hub.hpp), so that a change takes effect between the notifications before it and those after it.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgweir {

// A session, and the worker that it lives on. No two workers have sessions of the same number.
struct Subscriber {
  unsigned worker = 0;
  std::uint64_t session = 0;
  auto operator<=>(const Subscriber&) const = default;
};

// What a client wants changed, UNLISTEN before LISTEN; all of it or, when it is refused, nothing. An empty
// one just waits until everything that was committed before it has been delivered.
struct ListenChange {
  bool unlisten_all = false;
  std::vector<std::string> unlisten;
  std::vector<std::string> listen;
};

enum class ListenOutcome : std::uint8_t {
  done,
  refused,      // by the server
  unavailable,  // there is no connection, and none can be had now
  too_many,     // a limit of pgweir's
};

struct ListenAnswer {
  Subscriber who;
  ListenOutcome outcome = ListenOutcome::done;
  bool operator==(const ListenAnswer&) const = default;
};

struct HubCommand {
  enum class Kind : std::uint8_t { listen, unlisten, round_trip };
  Kind kind = Kind::round_trip;
  std::string channel;
  bool operator==(const HubCommand&) const = default;
};

// The sessions of one worker that listen to a channel.
struct Audience {
  unsigned worker = 0;
  std::shared_ptr<const std::vector<std::uint64_t>> sessions;
};

struct ChannelLimits {
  std::size_t channels = 10'000;           // of all clients together
  std::size_t channels_of_client = 1'000;  // and of one
};

class ChannelTable {
 public:
  explicit ChannelTable(ChannelLimits limits = {}) : limits_(limits) {}

  // Answered at once where a value is returned, otherwise exactly once by a later call of this class, in the
  // order in which the client has asked.
  std::optional<ListenOutcome> change(Subscriber who, ListenChange change);
  // The client is gone: it listens to nothing, and nothing is answered.
  void leave(Subscriber who);

  // What to send now; empty while a batch is under way, or when nothing is due.
  std::vector<HubCommand> next_batch();
  // The oldest command that has not been answered.
  const HubCommand& under_way() const { return batch_.front(); }
  bool has_batch() const { return !batch_.empty(); }
  // Its answer. Only a LISTEN may fail.
  std::vector<ListenAnswer> acknowledge(bool succeeded);

  // Who is to get a notification on this channel; valid until the next call of this class.
  std::span<const Audience> audience(std::string_view channel);

  // The connection is lost. Returns the sessions that listened: they may have missed notifications, and are
  // forgotten, with their requests. Requests of other sessions are still there, as if they had never been
  // sent.
  std::vector<Subscriber> lose_connection();
  // No connection can be had: all requests are answered with `why`.
  std::vector<ListenAnswer> refuse_requests(ListenOutcome why);

  bool has_requests() const { return !requests_.empty(); }
  // Whether nothing is listened to, asked for or under way.
  bool idle() const { return channels_.empty() && requests_.empty() && batch_.empty(); }
  std::size_t channels() const { return channels_.size(); }
  std::size_t clients() const { return clients_.size(); }

 private:
  struct Channel {
    std::set<Subscriber> subscribers;
    std::size_t awaited = 0;  // requests under way that will listen to it
    bool on_server = false;   // as soon as the server has answered all that it was sent
    bool noted = false;       // stands in touched_
    bool audience_known = false;
    std::vector<Audience> audience;

    bool wanted() const { return !subscribers.empty() || awaited > 0; }
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  using Channels = std::unordered_map<std::string, Channel, Hash, std::equal_to<>>;
  struct Client {
    std::set<std::string, std::less<>> channels;  // in effect
    std::size_t requests = 0;
  };
  struct Request {
    Subscriber who;
    ListenChange change;
    bool failed = false;
    bool cancelled = false;  // the client is gone
  };

  bool exceeds_limits(const Client& client, const ListenChange& change) const;
  void touch(Channels::value_type& channel);
  void forget_unused();
  void subscribe(Subscriber who, Client& client, const std::string& channel);
  void unsubscribe(Subscriber who, std::string_view channel);
  void cancel(Request& request);
  void drop_claims(const Request& request);
  void finish(Request& request, std::vector<ListenAnswer>& answers);
  void apply(const Request& request, Client& client);
  void forget_if_idle(std::uint64_t session);

  const ChannelLimits limits_;
  Channels channels_;
  std::unordered_map<std::uint64_t, Client> clients_;
  std::deque<Request> requests_;         // for the next batch
  std::vector<std::string> touched_;     // channels that may need a command
  std::deque<HubCommand> batch_;         // not answered yet
  std::vector<Request> batch_requests_;  // answered when the whole batch is
};

}  // namespace pgweir
