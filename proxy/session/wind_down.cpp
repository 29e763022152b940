#include "proxy/session/wind_down.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "protocol/frontend.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/settle/code_judge.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// DISCARD ALL without DEALLOCATE ALL and DISCARD PLANS. It leaves a role that the login gave behind as
// "none", so RESET ROLE is here, too.
constexpr std::string_view reset_but_statements =
    "CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;UNLISTEN *;SELECT "
    "pg_catalog.pg_advisory_unlock_all();"
    "DISCARD TEMP;DISCARD SEQUENCES";
constexpr std::string_view and_statements = ";DEALLOCATE ALL";

}  // namespace

// Ends what runs, rolls back what is open, and takes back what the client has set; a backend that is not
// clean in time is closed, never given to another client.
Task<bool> WindDown::run(bool at_boundary) {
  const bool was_settled = x_.tracker.settled() || x_.only_own_queries_left();
  if (!was_settled) x_.commons->counters(x_.worker).abandoned.add();
  const TimePoint until = Clock::now() + abandon_timeout;
  life_.closes_at = until;
  bool clean = at_boundary;
  if (clean) {
    if (x_.tracker.fencing()) clean = co_await settle(until);
    if (clean && x_.backend != nullptr) ask_to_finish();
    if (clean) clean = co_await settle(until);
  } else if (!x_.only_own_queries_left()) {
    host_.cancel_statement();
  }
  if (clean && x_.tracker.status() != TransactionStatus::idle) {
    ServerStream(x_).send_own(OwnQuery::rollback, "ROLLBACK");
    clean = co_await settle(until);
  }
  // What a rollback does not undo: session locks, settings, temporary tables, statements that SQL prepared.
  const bool dirty = !was_settled || x_.pinned() || x_.watch.touched() || x_.code.any() ||
                     !x_.journal.is_empty() || has_idle_timeout();
  if (clean && x_.code.any()) clean = co_await judge_leftovers(until);
  if (clean && dirty) {
    PinSet left = x_.pins;
    left.insert(x_.watch.may_have_begun);
    clean = (left & lasting_pins).empty();
    const bool with_statements = left.contains(Pin::sql_prepare) || x_.has_own_names();
    std::string reset(reset_but_statements);
    if (with_statements) reset += and_statements;
    if (clean) ServerStream(x_).send_own(OwnQuery::reset, reset);
    if (clean) clean = co_await settle(until);
    if (clean) forget_state(with_statements);
  }
  const bool is_clean = clean && x_.backend != nullptr && x_.tracker.settled() && !x_.own.failed;
  co_return is_clean;
}

// Most clients that leave in the middle of a transaction have only read: their backend is worth a question.
// What the answers tell is in the watch afterwards. False: the answers did not come in time.
Task<bool> WindDown::judge_leftovers(TimePoint until) {
  CodeJudge judge(x_);
  for (unsigned round = 0; round < FunctionTable::rounds_max + 1; ++round) {
    const std::optional<OwnQuestion> question = judge.next();
    if (!question) break;
    ServerStream(x_).send_own(question->which, question->sql);
    const bool answered = co_await settle(until);
    if (!answered) co_return false;
    judge.take_answers(events_);
  }
  judge.judge_again();
  co_return !x_.own.failed;
}

// The server would end the connection while it waits for its next client.
bool WindDown::has_idle_timeout() const {
  return x_.backend != nullptr && idle_timeout_in(*x_.backend->applied).count() > 0;
}

// The reset has taken back all that the backend had of its client.
void WindDown::forget_state(bool with_statements) {
  Backend& backend = *x_.backend;
  if (with_statements) backend.statements.clear();
  backend.applied = x_.worker.shared().no_settings;
  backend.sequence_owner = 0;
  backend.sequence_mixed = false;
}

// A Sync alone is never sent: it would commit what the client had not yet asked to commit. A ROLLBACK ends an
// implicit transaction, too (with a warning), and when the server skips to a Sync, it skips that as well.
void WindDown::ask_to_finish() {
  ResponseTracker& tracker = x_.tracker;
  if (tracker.copy_possible()) {
    write_copy_fail(x_.worker.to_server().own(), "the client went away");
    x_.worker.to_server().end_own();
    x_.expect({.reply = Reply::copy_end});
  }
  cancel_leftovers();
  if (!tracker.unsynced() && !tracker.skipping()) return;
  if (!tracker.skipping()) ServerStream(x_).send_own(OwnQuery::rollback, "ROLLBACK");
  ServerStream(x_).send_own_sync();
}

// While nothing of the client's runs, a cancel could only hit pgweir's next query.
void WindDown::cancel_leftovers() {
  if (x_.tracker.idle() || x_.only_own_queries_left() || x_.own_message_is_oldest()) return;
  host_.cancel_statement();
}

bool WindDown::is_settled() const {
  return x_.tracker.idle() && x_.own.empty() && !x_.backend->cancels.in_flight();
}

// Reads until nothing is owed, and no cancel is on its way that might hit the next query. False: that took
// too long, or the connection broke.
Task<bool> WindDown::settle(TimePoint until) {
  host_.flush();
  std::chrono::milliseconds patience = cancel_patience;
  TimePoint cancel_at = Clock::now() + patience;
  while (x_.backend != nullptr && !is_settled()) {
    const TimePoint now = Clock::now();
    if (now >= until) co_return false;
    if (now >= cancel_at) {
      cancel_leftovers();
      patience *= 2;
      cancel_at = now + patience;
    }
    life_.closes_at = std::min(until, cancel_at);
    if (host_.has_replies()) waker_.wake();  // other sessions get their turn
    co_await waker_.wait();
    if (x_.backend != nullptr) host_.read_server();
  }
  const bool is_idle = x_.backend != nullptr && x_.tracker.idle();
  co_return is_idle;
}

}  // namespace pgweir
