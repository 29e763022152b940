#include "proxy/session/session_view.hpp"

#include <algorithm>

#include "proxy/net/tls_stream.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// Finds which deadline is in force from what the session is doing.
std::optional<Reason> SessionView::overdue(TimePoint now, const config::Settings& settings) const {
  const config::Timeouts& timeouts = settings.timeouts;
  const ResponseTracker& tracker = exchange.tracker;
  if (!exchange.client.greeted) {
    if (has_passed(now, life.started, timeouts.client_login)) return Reason::login_timeout;
    // The first client of its kind waits for a backend.
    if (lease.waits() && has_passed(now, lease.waits_since(), exchange.pool->settings()->borrow_timeout))
      return Reason::borrow_timeout;
    if (link.transport.shakes_hands() && has_passed(now, life.started, settings.listen.tls.handshake_timeout))
      return Reason::tls_failed;
  } else if (lease.waits()) {
    if (has_passed(now, lease.waits_since(), exchange.pool->settings()->borrow_timeout))
      return Reason::borrow_timeout;
  } else if (link.is_leaving()) {
    if (has_passed(now, std::max(link.eof_at, last_activity), half_close_grace)) return Reason::client_closed;
  } else if (exchange.backend != nullptr && tracker.is_asked() && !tracker.copy_in()) {
    if (exchange.own.empty() && has_passed(now, query_started, timeouts.query)) return Reason::query_timeout;
  } else if (exchange.backend != nullptr && !tracker.settled()) {
    // A client whose message waits for pgweir, or for the server to read it, is not idle.
    const bool server_is_full = !exchange.backend->backlog.empty();
    // The data of a COPY may take as long as the client likes; a server that takes none of it may not.
    if (tracker.copy_in() && server_is_full && has_passed(now, last_activity, timeouts.query))
      return Reason::query_timeout;
    const bool waits = link.held.is_waiting() || server_is_full || exchange.backend->cancels.in_flight();
    if (!waits && has_passed(now, last_activity, timeouts.idle_transaction))
      return Reason::idle_transaction_timeout;
  } else if (!link.held.is_waiting()) {
    // A client that listens is silent because it waits; the timeout that it has set for itself counts all the same.
    const bool is_idle = !exchange.listens() && has_passed(now, last_activity, timeouts.client_idle);
    if (is_idle || has_passed(now, last_activity, idle_timeout_in(*exchange.client.desired)))
      return Reason::idle_timeout;
  }
  return std::nullopt;
}

bool SessionView::is_wanted(ClientsWanted wanted) const {
  switch (wanted) {
    case ClientsWanted::none:
      return false;
    case ClientsWanted::with_servers:
      return exchange.backend != nullptr;
    case ClientsWanted::waiting:
      return lease.waits();
    case ClientsWanted::pinned:
      return pins.record() != nullptr;
    case ClientsWanted::all:
      return true;
  }
  return false;
}

void SessionView::describe(ClientsWanted wanted, std::vector<ClientFacts>& clients,
                           std::vector<ServerFacts>& servers) const {
  if (!is_wanted(wanted)) return;
  ClientFacts facts;
  facts.id = id;
  facts.self = self;
  facts.peer = endpoint_of(link.peer);
  // The address is not kept: a system call for a row of a table costs less than some bytes of each idle
  // client.
  if (wanted == ClientsWanted::all && link.transport.is_open())
    facts.local = local_endpoint(link.transport.fd());
  if (link.transport.tls() != nullptr && link.transport.tls()->established())
    facts.tls = link.transport.tls()->description();
  facts.connected = life.started;
  facts.request = last_activity;
  facts.closing = life.is_over();
  facts.console = console != nullptr;
  if (console) {
    facts.user = console->user();
    facts.database = console->database();
    facts.state = console->is_busy() ? ClientFacts::State::active : ClientFacts::State::idle;
  }
  if (exchange.pool != nullptr) {
    facts.user = exchange.pool->user();
    facts.database = exchange.pool->database();
    facts.application_name = exchange.client.application_name();
    facts.prepared_statements = exchange.statements.committed().size();
    facts.state = ClientFacts::State::idle;
  }
  if (const PinReport::Record* const pinned = pins.record()) {
    facts.pins = pins.reported();
    facts.pinned_since = pinned->since;
    facts.pinned_by = pinned->statement;
  }
  if (lease.waits()) {
    facts.state = ClientFacts::State::waiting;
    facts.waits_since = lease.waits_since();
  }
  if (const Backend* const backend = exchange.backend) {
    facts.state = ClientFacts::State::active;
    facts.server_pid = backend->pid;
    facts.server = backend;
    ServerFacts server = exchange.pool->facts_of(*backend);
    server.borrowed = true;
    server.request = query_started;
    server.client = self;
    server.application_name = facts.application_name;
    servers.push_back(std::move(server));
  }
  clients.push_back(std::move(facts));
}

void SessionView::count_in(ClientTally& tally) const {
  tally.tls += link.transport.tls() != nullptr && link.transport.tls()->established() ? 1 : 0;
  tally.pinned += pins.record() != nullptr ? 1 : 0;
  const bool rests = exchange.backend == nullptr || exchange.tracker.settled();
  tally.in_transaction += rests ? 0 : 1;
}

}  // namespace pgweir
