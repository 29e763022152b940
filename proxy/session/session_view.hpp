// What can be known of a session, for its deadlines, the console, the dashboard and the log. Thread rule: the
// session's worker, and while the session does nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings.hpp"
#include "proxy/base/facts.hpp"
#include "proxy/entry/client_link.hpp"
#include "proxy/entry/console_session.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/session/backend_lease.hpp"
#include "proxy/session/pin_report.hpp"

namespace pgweir {

// After its client has closed its direction, a session with a running query waits this long for the answer
// to become deliverable: a client that is gone and one that only said "no more queries" look alike.
constexpr std::chrono::milliseconds half_close_grace{500};

struct SessionView {
  const void* self;  // only to compare with
  std::uint64_t id;
  const Life& life;
  const ClientLink& link;
  const Exchange& exchange;
  const BackendLease& lease;
  const PinReport& pins;
  const ConsoleSession* console;  // null: an ordinary client
  TimePoint last_activity;
  TimePoint query_started;

  // Appends what there is to tell of the session, if it is one of those that are wanted, and of its backend.
  void describe(ClientsWanted wanted, std::vector<ClientFacts>& clients,
                std::vector<ServerFacts>& servers) const;
  void count_in(ClientTally& tally) const;
  // Which deadline has passed, of those that are in force for what the session is doing.
  std::optional<Reason> overdue(TimePoint now, const config::Settings& settings) const;

 private:
  bool is_wanted(ClientsWanted wanted) const;
};

}  // namespace pgweir
