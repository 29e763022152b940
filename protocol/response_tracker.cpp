#include "protocol/response_tracker.hpp"

#include <cassert>

#include "protocol/spent_front.hpp"

namespace pgweir {
namespace {

bool is_extended(Reply r) {
  return r <= Reply::close;
}
// Whether the reply may have rows, COPY and a command tag.
bool executes(Reply r) {
  return r == Reply::execute || r == Reply::query;
}
// Whether the server answers it, and what came before it, with a ReadyForQuery.
bool makes_ready(Reply r) {
  return r == Reply::sync || r == Reply::query || r == Reply::function_call;
}

}  // namespace

void ResponseTracker::expect(Expected&& expected, ReplySink& sink) {
  assert(!skipping() || expected.reply == Reply::sync);
  assert(fence_ == Fence::none);
  switch (expected.reply) {
    case Reply::sync:
      ++segment_;
      if (copy_ == Copy::open) {
        ++swallowed_syncs_;
        return;
      }
      batch_ = OpenBatch::none;
      error_skips_ = false;
      break;
    case Reply::query:
    case Reply::function_call:
      batch_ = OpenBatch::none;  // each commits what was open, and is answered by ReadyForQuery
      break;
    case Reply::copy_end:
      if (copy_ == Copy::open) copy_ = Copy::ending;
      break;
    default:
      if (!is_extended(expected.reply) || expected.fate == Fate::inject) break;
      batch_ = OpenBatch::sent;
      error_skips_ = true;
      break;
  }
  may_copy_ += expected.may_copy ? 1 : 0;
  const bool asks = makes_ready(expected.reply);
  push(std::move(expected));
  if (asks) flush();
  settle_front(sink);
}

// While a COPY IN is open, the server ignores it.
void ResponseTracker::flush() {
  if (copy_ != Copy::open) asked_ = static_cast<std::uint32_t>(outstanding());
}

// How many answers a ReadyForQuery behind them will bring along.
std::uint32_t ResponseTracker::count_asked() const {
  std::uint32_t asked = 0;
  for (std::size_t i = oldest_; i < queue_.size(); ++i) {
    if (makes_ready(queue_[i].reply)) asked = static_cast<std::uint32_t>(i - oldest_ + 1);
  }
  return asked;
}

void ResponseTracker::push(Expected&& expected) {
  push_behind_spent(queue_, oldest_, std::move(expected));
}

ResponseTracker::Verdict ResponseTracker::receive(char type, TransactionStatus status, ReplySink& sink) {
  assert(!needs_fence());
  if (type == static_cast<char>(BackendType::ReadyForQuery)) return on_ready(status, sink);
  if (idle()) return Verdict::protocol_violation;
  const Reply oldest = queue_[oldest_].reply;
  switch (static_cast<BackendType>(type)) {
    case BackendType::ErrorResponse:
      return on_error(sink);
    case BackendType::ParseComplete:
      return complete(Reply::parse, sink);
    case BackendType::BindComplete:
      return complete(Reply::bind, sink);
    case BackendType::CloseComplete:
      return on_close_complete(sink);
    case BackendType::ParameterDescription:
      return oldest == Reply::describe_statement ? fate_of_oldest() : Verdict::protocol_violation;
    case BackendType::RowDescription:
      if (oldest == Reply::query) return fate_of_oldest();
      [[fallthrough]];
    case BackendType::NoData:
      return complete(oldest == Reply::describe_portal ? Reply::describe_portal : Reply::describe_statement,
                      sink);
    case BackendType::CommandComplete:
    case BackendType::EmptyQueryResponse:
      return on_execution_end(sink);
    case BackendType::PortalSuspended:
      return complete(Reply::execute, sink);
    case BackendType::CopyInResponse:
      return on_copy_in();
    case BackendType::DataRow:
    case BackendType::CopyOutResponse:
    case BackendType::CopyData:
    case BackendType::CopyDone:
      return executes(oldest) ? fate_of_oldest() : Verdict::protocol_violation;
    case BackendType::FunctionCallResponse:
      ran_ = oldest == Reply::function_call;
      return ran_ ? fate_of_oldest() : Verdict::protocol_violation;
    default:
      return Verdict::protocol_violation;  // CopyBothResponse too: replication is refused at login
  }
}

ResponseTracker::Verdict ResponseTracker::fate_of_oldest() const {
  return queue_[oldest_].fate == Fate::forward ? Verdict::forward : Verdict::drop;
}

// Ends the oldest expectation.
void ResponseTracker::pop(Outcome outcome, ReplySink& sink) {
  Expected ended = std::move(queue_[oldest_]);
  if (++oldest_ == queue_.size()) {
    queue_.clear();
    oldest_ = 0;
    error_skips_ = false;
  }
  may_copy_ -= ended.may_copy ? 1 : 0;
  asked_ -= asked_ > 0 ? 1 : 0;
  ran_ = false;
  sink.ended(ended, outcome);
}

// Gives the injected replies, once they are the oldest ones.
void ResponseTracker::settle_front(ReplySink& sink) {
  while (!idle()) {
    const Expected& oldest = queue_[oldest_];
    if (oldest.reply != Reply::copy_end && oldest.fate != Fate::inject) return;
    if (oldest.fate == Fate::inject) sink.inject(oldest);
    pop(Outcome::done, sink);
  }
}

ResponseTracker::Verdict ResponseTracker::complete(Reply reply, ReplySink& sink) {
  if (queue_[oldest_].reply != reply) return Verdict::protocol_violation;
  const Verdict verdict = fate_of_oldest();
  pop(Outcome::done, sink);
  settle_front(sink);
  return verdict;
}

ResponseTracker::Verdict ResponseTracker::on_execution_end(ReplySink& sink) {
  if (!executes(queue_[oldest_].reply)) return Verdict::protocol_violation;
  const Verdict verdict = fate_of_oldest();
  end_copy(false);
  ran_ = queue_[oldest_].reply == Reply::query;
  if (ran_) return verdict;
  pop(Outcome::done, sink);
  settle_front(sink);
  return verdict;
}

// Syncs announced before the client's end of data are swallowed by the server, those after it are not.
ResponseTracker::Verdict ResponseTracker::on_copy_in() {
  if (!executes(queue_[oldest_].reply)) return Verdict::protocol_violation;
  const Verdict verdict = fate_of_oldest();
  copy_ = Copy::open;
  swallowed_syncs_ = 0;
  // A query string may hold a second COPY, for which the client's data may come before its CopyInResponse.
  Expected& opener = queue_[oldest_];
  if (!opener.may_copy) ++may_copy_;
  opener.may_copy = true;
  bool synced = false;
  // A Flush in front of the end of the data is swallowed, too.
  bool flushed = false;
  std::uint32_t asked = 1;
  std::size_t kept = oldest_ + 1;
  for (std::size_t i = kept; i < queue_.size(); ++i) {
    const bool is_asked_for = i - oldest_ < asked_;
    if (copy_ == Copy::open && queue_[i].reply == Reply::copy_end) {
      copy_ = Copy::ending;
      flushed = is_asked_for;
    }
    if (copy_ == Copy::open && queue_[i].reply == Reply::sync) {
      ++swallowed_syncs_;
      continue;
    }
    asked += is_asked_for ? 1 : 0;
    synced |= queue_[i].reply == Reply::sync;
    if (kept != i) queue_[kept] = std::move(queue_[i]);
    ++kept;
  }
  queue_.resize(kept);
  asked_ = flushed ? asked : count_asked();
  // A swallowed Sync ended nothing: the implicit transaction stays open, unless one after the data ends it.
  if (swallowed_syncs_ > 0 && queue_[oldest_].reply == Reply::execute)
    batch_ = synced ? OpenBatch::none : OpenBatch::sent;
  return verdict;
}

void ResponseTracker::end_copy(bool failed) {
  if (failed && copy_ != Copy::none && swallowed_syncs_ > 0) fence_ = Fence::needed;
  if (!failed && copy_ == Copy::ending) forget_copy_end();
  copy_ = Copy::none;
  swallowed_syncs_ = 0;
}

// The mark of a COPY that is over must not be taken for that of the next COPY in the same query string.
void ResponseTracker::forget_copy_end() {
  for (std::size_t i = oldest_; i < queue_.size(); ++i) {
    if (queue_[i].reply != Reply::copy_end) continue;
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    asked_ -= i - oldest_ < asked_ ? 1 : 0;
    return;
  }
}

ResponseTracker::Verdict ResponseTracker::on_error(ReplySink& sink) {
  const Reply reply = queue_[oldest_].reply;
  const bool ours = queue_[oldest_].fate == Fate::mute;
  end_copy(true);
  ran_ = true;
  if (is_extended(reply)) skip_to_sync(sink);
  return ours ? Verdict::drop : Verdict::forward;
}

void ResponseTracker::skip_to_sync(ReplySink& sink) {
  pop(Outcome::failed, sink);
  while (!idle() && queue_[oldest_].reply != Reply::sync) pop(Outcome::skipped, sink);
  if (idle()) batch_ = OpenBatch::skipped;
}

ResponseTracker::Verdict ResponseTracker::on_ready(TransactionStatus status, ReplySink& sink) {
  if (idle()) return Verdict::protocol_violation;
  status_ = status;
  const Reply reply = queue_[oldest_].reply;
  if (reply == Reply::fence) {
    fence_ = fence_ == Fence::sent ? Fence::ready : Fence::passed;
    return fence_ == Fence::passed ? Verdict::forward : Verdict::drop;
  }
  // One that comes too early would give each later answer to the message before it.
  if (!makes_ready(reply) || (reply != Reply::sync && !ran_)) return Verdict::protocol_violation;
  end_copy(false);
  const Verdict verdict = fate_of_oldest();
  pop(Outcome::done, sink);
  settle_front(sink);
  return verdict;
}

void ResponseTracker::begin_fence() {
  assert(needs_fence());
  fence_ = Fence::sent;
  // The error may have left Syncs after the client's end of data: these Syncs are answered first, in order.
  push({Reply::fence, Fate::mute});
  flush();
}

// Also ends the counting part of a fence: what remains is the ReadyForQuery of its second Sync.
ResponseTracker::Verdict ResponseTracker::on_close_complete(ReplySink& sink) {
  if (queue_[oldest_].reply != Reply::fence) return complete(Reply::close, sink);
  if (fence_ == Fence::sent) return Verdict::protocol_violation;
  // Only pgweir's own Sync was answered: the server had been skipping, and for the client it still is.
  if (!skipping() || fence_ != Fence::ready) batch_ = OpenBatch::none;
  fence_ = Fence::none;
  queue_[oldest_] = {Reply::sync, Fate::mute};
  return Verdict::drop;
}

bool ResponseTracker::awaits_ready() const {
  for (std::size_t i = oldest_; i < queue_.size(); ++i) {
    if (makes_ready(queue_[i].reply)) return true;
  }
  return false;
}

void ResponseTracker::shrink() {
  assert(idle());
  constexpr std::size_t kept_capacity = 16;
  if (queue_.capacity() > kept_capacity) std::vector<Expected>().swap(queue_);
  oldest_ = 0;
}

}  // namespace pgweir
