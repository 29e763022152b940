#include "proxy/exchange/server_stream.hpp"

#include "protocol/frontend.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/settings_journal.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void ServerStream::forward_bytes(const Piece& piece) {
  x_.forwarded = true;
  x_.worker.to_server().add_view(piece.bytes);
}

RequestDisposition ServerStream::forward(const Piece& piece, Expected&& expected) {
  forward_bytes(piece);
  x_.expect(std::move(expected));
  return RequestDisposition::taken;
}

RequestDisposition ServerStream::forward_rewritten(Expected&& expected) {
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.expect(std::move(expected));
  return RequestDisposition::taken;
}

// A Query drops the unnamed statement, even if it fails (exec_simple_query).
void ServerStream::note_query_sent(Expected& expected) {
  x_.mixed_protocols |= x_.tracker.unsynced();
  expected.changes.insert(Change::backend_statements);
  if (!x_.hand.step.empty()) attach_step(expected);
  if (expected.changes.contains(Change::channels)) x_.listen->forwarded();
  x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
  if (x_.statements.find({}) == nullptr) return;
  x_.statements.begin_erase({}, x_.tracker.segment());
  expected.changes.insert(Change::names);
}

// Between two batches the statement is a Query of pgweir's, and its errors are pgweir's, too. Within a batch,
// an error is taken as if the client's next message had failed.
Progress ServerStream::insert_statement(std::string_view sql, const StatementRef& prepares) {
  ResponseTracker& tracker = x_.tracker;
  if (tracker.may_insert_group()) {
    send_own(OwnQuery::no_op, sql, prepares);
    return Progress::done;
  }
  if (!tracker.unsynced()) return Progress::hold;
  ByteBuffer& out = x_.worker.to_server().own();
  const std::string& own_name = x_.commons->statements().own_name();
  // One that fails stays there, under a name of its own that the next one closes first.
  const std::string name = prepares ? own_name + std::string(preparing_suffix) : own_name;
  if (prepares) {
    write_close_statement(out, name);
    x_.expect({.reply = Reply::close, .fate = Fate::drop});
  }
  write_parse(out, name, sql, no_parameter_types);
  write_bind(out, own_name, name);
  write_execute(out, own_name);
  write_close_portal(out, own_name);
  write_close_statement(out, name);
  x_.worker.to_server().end_own();
  if (prepares) x_.backend->statements.begin_parse(prepares, tracker.segment());
  for (const Reply reply : {Reply::parse, Reply::bind, Reply::execute, Reply::close, Reply::close}) {
    const bool makes = prepares && reply == Reply::execute;
    x_.expect({.reply = reply,
               .fate = Fate::drop,
               .changes = makes ? Changes{Change::backend_statements} : Changes{},
               .statement = makes ? prepares : StatementRef{}});
  }
  return Progress::done;
}

void ServerStream::send_own(OwnQuery which, std::string_view sql, const StatementRef& prepares) {
  write_query(x_.worker.to_server().own(), sql);
  x_.worker.to_server().end_own();
  x_.own.begin(which);
  x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
  if (prepares) x_.backend->statements.begin_parse(prepares, x_.tracker.segment());
  x_.expect({.reply = Reply::query,
             .fate = Fate::mute,
             .changes = {Change::backend_statements},
             .statement = prepares});
  // It may fail, as in a failed transaction, and what the client sends next is run all the same.
  if (prepares) x_.tracker.begin_segment();
}

// Whether the step sets what is set already. This is for clients that set the same for each request.
bool ServerStream::is_repetition() const {
  return x_.journal.is_empty() && !x_.watch.sets_unknown() && is_in_force(x_.hand.step, *x_.client.desired) &&
         is_in_force(x_.hand.step, *x_.backend->applied);
}

void ServerStream::attach_step(Expected& expected) {
  if (is_repetition()) return x_.hand.step.clear();
  x_.journal.begin(std::exchange(x_.hand.step, {}));
  expected.changes.insert(Change::settings);
}

void ServerStream::send_own_sync() {
  write_sync(x_.worker.to_server().own());
  x_.worker.to_server().end_own();
  x_.expect({.reply = Reply::sync, .fate = Fate::mute});
}

// See response_tracker.hpp: which Syncs a failed COPY IN has swallowed must be found out before anything else
// is sent.
void ServerStream::send_fence() {
  ByteBuffer& out = x_.worker.to_server().own();
  write_sync(out);
  write_close_portal(out, "__pgweir_fence");
  write_sync(out);
  x_.worker.to_server().end_own();
  x_.tracker.begin_fence();
}

}  // namespace pgweir
