// What one simulation is like, drawn from its seed: how many clients and server connections, which faults, how often.
// Each value has a name, so that a person, or the search for a shorter simulation, can change it. Pure but for chance.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/simulation/clients/client_habits.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/world/server_pace.hpp"

namespace pgweir::simulation {

// Chances are from 0 to 1; what ends in _ms or _s is a time. Of faults that come again and again it is the mean time
// between two of them, 0: never.
struct Plan {
  double seconds = 60;  // how long the clients send batches
  double clients = 2;
  double without_clients = 0;     // a bit for each client that does not come after all
  double without_statements = 0;  // a bit for each StatementKind in whose place something harmless is sent
  double batches = 1e9;           // that are sent in all

  // The configuration.
  double workers = 1;
  double max_size = 1;
  double min_size = 0;
  double session_mode = 0;  // 1: pool.mode is session
  double strict = 0;        // 1: pool.state is strict
  double max_prepared = 200;
  double max_logins = 4;
  double max_lifetime_ms = 0;
  double idle_timeout_ms = 0;
  double borrow_timeout_ms = 0;
  double query_timeout_ms = 0;
  double audit_every = 10;
  double users = 1;          // 2: every other client is another user, with a pool of its own
  double max_clients = 0;    // 0: enough for all
  double pin_sequences = 1;  // 1: pool.sequence_values is pin
  double md5 = 0;            // 1: the server asks for a password

  // Connections and system calls.
  double cut = 0.1;          // that what is sent arrives in two parts
  double hiccup = 0;         // that a packet is much later than delay_ms
  double buffer = 65'536;    // bytes that a connection holds in each direction
  double delay_ms = 0.5;     // the most that a packet takes
  double interrupted = 0;    // that a call of pgweir's fails with EINTR
  double short_send = 0;     // that a send takes a part only
  double spurious = 0;       // that epoll reports what is not so
  double no_descriptor = 0;  // that there is none for a new connection
  double no_watch = 0;       // that epoll takes no further descriptor
  double no_memory = 0;      // that a large buffer is refused

  // The server.
  double pace_ms = 0.4;       // the most that it takes to look at what has arrived
  double slow_login = 0;      // that a login takes long
  double slow_cancel_ms = 0;  // the most that a request to cancel waits
  double cancel_next = 0;     // that it meets a statement which has just arrived
  double end_one_s = 0;       // one session is ended
  double restart_s = 0;       // all are
  double away_s = 0;          // it cannot be reached for a while
  double standby_s = 0;       // it comes back as a standby, and is promoted later
  double read_only_s = 0;     // it takes no writes for a while, and ends no session for that
  double refuse_s = 0;        // it lets nobody in for a while

  // The clients.
  double pause_ms = 300;     // the most between two batches
  double pieces = 0.1;       // that a batch is sent in pieces
  double byte_by_byte = 0;   // of those: that each is one byte
  double pipelined = 0.05;   // that the next batch does not wait for the answer
  double strings = 0.15;     // that another statement follows in the same string
  double favors = 0;         // that a statement is of the kind
  double favorite = 0;       // with this number in StatementKind
  double leaves = 0.02;      // that the client leaves after a batch
  double rude = 0.3;         // that it does so without a word
  double cancels = 0;        // that it asks to cancel what it has sent
  double meddles = 0;        // that it asks to cancel what is not its own
  double stops_reading = 0;  // that it asks for a long answer and does not read it
  double silent = 0;         // that it waits for a timeout to end it
  double unsynced = 0;       // of those: behind messages without Flush or Sync

  // The program.
  double stall_s = 0;
  double reload_s = 0;
  double clock_jump_s = 0;
  double drains = 0;  // 1: at the end, without faults; 2: before, amid them

  // Nothing but the two ends of a connection disturbs a client.
  bool is_quiet() const;
  bool has_client(int number) const;
  const char* user_of(int client) const { return users > 1 && client % 2 == 0 ? "shop" : "app"; }
  // `size`: pool.max_size, which a reload may change. `is_loud`: pgweir tells of more than errors.
  std::string configuration(double size, bool is_loud) const;
  std::string in_words() const;
  LinkQuality link() const;
  CallFaults calls() const;
  ServerPace pace() const;
  ClientHabits habits() const;
};

struct PlanValue {
  const char* name;
  double Plan::*value;
  double harmless;  // what it is where it does nothing
};
std::span<const PlanValue> plan_values();

Plan make_plan(std::uint64_t seed);
// "clients=2,cut=0". False: there is no such value, or it is no number.
bool change_plan(Plan& plan, std::string_view changes);
// What would make `from` the plan `to`, as change_plan() reads it.
std::string changes_between(const Plan& from, const Plan& to);

}  // namespace pgweir::simulation
