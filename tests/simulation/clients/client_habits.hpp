// How a model client behaves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

// What a statement is about. Where a kind is left out, a plain SELECT stands in its place.
enum class StatementKind : std::uint8_t {
  rows,
  error,
  sleep,
  transaction,
  setting,
  role,
  table,
  sql_prepare,
  cursor,
  lock,
  listen,
  discard,
  ddl,  // that changes the columns of tables which are not temporary
  // Those above, and sequence, are drawn by their weights.
  copy,
  extended,
  several,     // in one message
  shared,      // prepared under a name, of a text that other clients prepare, too
  savepoints,  // transactions in which a part of what was done is taken back
  sequence,    // nextval, currval, lastval
  portal,      // bound and not run, run in parts or again, or under a name
  reported,    // settings whose value the server tells: DateStyle, TimeZone, application_name
  zoned,       // shared, with a literal that is read under the TimeZone
};
inline constexpr unsigned statement_kinds = 22;

// What pgweir is configured to do with clients that keep it waiting.
inline constexpr std::chrono::seconds idle_transaction_limit{10};
inline constexpr std::chrono::seconds client_idle_limit{20};
inline constexpr std::chrono::seconds client_write_limit{10};
// What a drain gives clients that are not done, and what of it may be short for telling them.
inline constexpr std::chrono::seconds drain_limit{25};
inline constexpr std::chrono::seconds drain_last_words{1};

struct ClientHabits {
  SimTime longest_pause = std::chrono::milliseconds(300);
  double in_pieces = 0.1;   // the chance that a batch is sent in pieces of 1 to 8 bytes
  double byte_by_byte = 0;  // of those: in pieces of one byte, each of which arrives before the next is sent
  double pipelined = 0.1;   // that the next batch does not wait for the answer
  double leaves = 0.02;     // after a batch
  double leaves_rudely = 0.3;  // of those: without Terminate, or by a reset, or by falling silent
  double cancels = 0;          // that a batch is a long statement which is then canceled
  double meddles = 0;          // that it asks to cancel what another client does, or nobody
  double stops_reading = 0;    // that it asks for a long answer and does not read it, for a while or for good
  double falls_silent = 0;     // that it sends no further batch, so that a timeout has to end it
  double unsynced = 0;         // of those: that it sends messages without Flush or Sync first
  double strings = 0.15;       // that another statement follows in the same string
  double favors = 0;           // that a statement is of the `favorite` kind, whatever its weight
  StatementKind favorite = StatementKind::rows;
  bool may_lose_sequences = false;  // currval may miss the value that was taken before
  std::uint32_t without = 0;        // a bit for each StatementKind
  std::size_t long_answer = 0;      // bytes that no buffer between a client and the server can take
  bool has_huge_answers = true;  // some take more than pgweir may allocate, and hours through a tiny buffer
  SimTime query_timeout{};       // what pgweir lets a query take; zero: no limit
  SimTime patience = std::chrono::seconds(400);  // an answer that takes longer is a failure

  bool has(StatementKind kind) const { return (without >> static_cast<unsigned>(kind) & 1u) == 0; }
};

}  // namespace pgweir::simulation
