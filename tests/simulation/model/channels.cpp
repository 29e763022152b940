#include "tests/simulation/model/channels.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

void Channels::change(PendingListen::Kind kind, const std::string& channel) {
  // There is nothing to stop listening to.
  if (kind != PendingListen::Kind::listen && s_.listening.empty() && s_.pending_listens.empty()) return;
  s_.pending_listens.push_back({kind, channel, s_.transaction.level()});
}

// The same notification again in one transaction is told once.
void Channels::notify(const std::string& channel, const std::string& payload) {
  TransactionControl(s_).require_no_recovery("NOTIFY");
  if (channel.empty()) fail("22023", "channel name cannot be empty");
  if (channel.size() > 63) fail("22023", "channel name too long");
  const int level = s_.transaction.level();
  const bool known = std::any_of(s_.pending_notifications.begin(), s_.pending_notifications.end(),
                                 [&](const PendingNotification& p) {
                                   return p.level == level && p.channel == channel && p.payload == payload;
                                 });
  if (!known) s_.pending_notifications.push_back({channel, payload, level});
}

void Channels::commit() {
  for (const PendingListen& change : std::exchange(s_.pending_listens, {})) {
    switch (change.kind) {
      case PendingListen::Kind::listen:
        s_.listening.insert(change.channel);
        break;
      case PendingListen::Kind::unlisten:
        s_.listening.erase(change.channel);
        break;
      case PendingListen::Kind::unlisten_all:
        s_.listening.clear();
        break;
    }
  }
  // Who listens to nothing any more does not read on from where it was.
  if (s_.listening.empty()) s_.notifications.clear();
  for (const PendingNotification& sent : std::exchange(s_.pending_notifications, {}))
    s_.cluster.notify(s_.database, s_.pid, sent.channel, sent.payload);
}

void Channels::roll_back(int level) {
  std::erase_if(s_.pending_listens, [&](const PendingListen& p) { return p.level >= level; });
  std::erase_if(s_.pending_notifications, [&](const PendingNotification& p) { return p.level >= level; });
}

void Channels::merge(int level) {
  for (PendingListen& pending : s_.pending_listens) pending.level = std::min(pending.level, level - 1);
  std::vector<PendingNotification> merged;
  for (PendingNotification& pending : s_.pending_notifications) {
    pending.level = std::min(pending.level, level - 1);
    const bool known = std::any_of(merged.begin(), merged.end(), [&](const PendingNotification& other) {
      return other.level == pending.level && other.channel == pending.channel &&
             other.payload == pending.payload;
    });
    if (!known) merged.push_back(pending);
  }
  s_.pending_notifications = std::move(merged);
}

// A string may have gone on with UNLISTEN behind the COMMIT that notified.
void Channels::deliver() {
  for (const Notification& told : std::exchange(s_.notifications, {}))
    if (s_.listening.contains(told.channel)) write_notification(s_.out, told.pid, told.channel, told.payload);
}

}  // namespace pgweir::simulation
