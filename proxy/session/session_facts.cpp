// What there is to know of a session, for the console and the dashboard.
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

std::string Session::shown_name() const {
  const auto name = exchange_.view->find("application_name");
  return name == exchange_.view->end() ? std::string() : name->second;
}

bool Session::is_wanted(ClientsWanted wanted) const {
  switch (wanted) {
    case ClientsWanted::none:
      return false;
    case ClientsWanted::with_servers:
      return exchange_.backend != nullptr;
    case ClientsWanted::waiting:
      return waiter_.queued;
    case ClientsWanted::pinned:
      return pin_record_ != nullptr;
    case ClientsWanted::all:
      return true;
  }
  return false;
}

void Session::describe(ClientsWanted wanted, std::vector<ClientFacts>& clients,
                       std::vector<ServerFacts>& servers) const {
  if (!is_wanted(wanted)) return;
  ClientFacts facts;
  facts.id = id_;
  facts.self = this;
  facts.peer = endpoint_of(peer_);
  // Not kept: a system call for a row of a table costs less than some bytes of each idle client.
  if (wanted == ClientsWanted::all && client_.is_open()) facts.local = local_endpoint(client_.fd());
  if (client_.tls() != nullptr && client_.tls()->established()) facts.tls = client_.tls()->description();
  facts.connected = started_;
  facts.request = last_activity_;
  facts.closing = phase_ == Phase::closing;
  facts.console = console_ != nullptr;
  if (console_) {
    facts.user = console_->user;
    facts.database = console_->database;
    facts.state = console_->busy ? ClientFacts::State::active : ClientFacts::State::idle;
  }
  if (pool_) {
    facts.user = pool_->user();
    facts.database = pool_->database();
    facts.application_name = shown_name();
    facts.prepared_statements = exchange_.statements.committed().size();
    facts.state = ClientFacts::State::idle;
  }
  if (pin_record_) {
    facts.pins = reported_pins_;
    facts.pinned_since = pin_record_->since;
    facts.pinned_by = pin_record_->statement;
  }
  if (waiter_.queued) {
    facts.state = ClientFacts::State::waiting;
    facts.waits_since = waiter_.since;
  }
  if (const Backend* const backend = exchange_.backend) {
    facts.state = ClientFacts::State::active;
    facts.server_pid = backend->pid;
    facts.server = backend;
    ServerFacts server = pool_->facts_of(*backend);
    server.borrowed = true;
    server.request = query_started_;
    server.client = this;
    server.application_name = facts.application_name;
    servers.push_back(std::move(server));
  }
  clients.push_back(std::move(facts));
}

void Session::count_in(ClientTally& tally) const {
  tally.tls += client_.tls() != nullptr && client_.tls()->established() ? 1 : 0;
  tally.pinned += pin_record_ ? 1 : 0;
  const bool rests = exchange_.backend == nullptr || exchange_.tracker.settled();
  tally.in_transaction += rests ? 0 : 1;
}

}  // namespace pgweir
