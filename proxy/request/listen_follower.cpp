#include "proxy/request/listen_follower.hpp"

#include "protocol/sql_tokenizer.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/listen/listen_state.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

constexpr std::string_view asks_for_channels = "pg_listening_channels";

}  // namespace

Progress ListenFollower::follow_query(std::string_view text, bool understood, const SqlEffects& effects,
                                      Expected& expected) {
  if (!x_.listen || x_.listen->is_unused()) {
    if (!effects.facts.contains(SqlFact::listens) || !x_.begin_listening()) return Progress::done;
  }
  ListenState& listen = *x_.listen;
  if (!understood || ListenState::may_notify(effects, text)) listen.note_may_notify();
  if (show_channels(text) == Progress::hold) return Progress::hold;
  if (!ListenState::concerns(effects.verbs)) return Progress::done;
  ListenSteps steps;
  if (understood && !x_.client.is_opaque(text)) steps = listen_steps(text);
  if (!listen.may_forward(steps, transaction_status(), status_is_known())) return Progress::hold;
  listen.set_next(std::move(steps));
  expected.changes.insert(Change::channels);
  return Progress::done;
}

// Whether all that the client has sent is answered, or nothing of it ends with ReadyForQuery.
bool ListenFollower::status_is_known() const {
  return x_.tracker.outstanding() == x_.own.size() || !x_.tracker.awaits_ready();
}

// After messages without a Sync the transaction may be another than that of the last ReadyForQuery.
TransactionStatus ListenFollower::transaction_status() const {
  return x_.tracker.unsynced() ? TransactionStatus::idle : x_.tracker.status();
}

// A portal is followed as its statement is.
void ListenFollower::follow_bind(std::string_view portal, const StatementRef& statement) {
  const bool readable = statement && !x_.client.is_opaque(statement->text);
  if (!x_.listen || x_.listen->is_unused()) {
    const bool listens = readable && statement->effects.facts.contains(SqlFact::listens);
    if (!listens || !x_.begin_listening()) return;
  }
  if (!statement) return x_.listen->unbind(portal);
  if (ListenState::may_notify(statement->effects, statement->text)) x_.listen->note_may_notify();
  ListenSteps steps;
  if (ListenState::concerns(statement->effects.verbs) && readable) steps = listen_steps(statement->text);
  x_.listen->bind(portal, statement->effects, std::move(steps));
}

Progress ListenFollower::follow_execute(const Piece& piece, Expected& expected) {
  ExecuteView execute;
  if (parse_execute(piece.body(), execute) != Errc::ok) return Progress::done;
  const ListenSteps* steps = x_.listen->portal(execute.portal);
  if (steps == nullptr) return Progress::done;
  if (!x_.listen->may_forward(*steps, transaction_status(), status_is_known())) return Progress::hold;
  x_.listen->set_next(*steps);
  x_.listen->forwarded();
  expected.changes.insert(Change::channels);
  return Progress::done;
}

// A client that asks for its channels asks its backend, which is made to listen to them until the transaction
// is over.
Progress ListenFollower::show_channels(std::string_view text) {
  if (x_.listen->channels().empty() || !folded_find(text, asks_for_channels)) return Progress::done;
  const ResponseTracker& tracker = x_.tracker;
  if (tracker.unsynced() || x_.listen->is_shown()) return Progress::done;
  if (!status_is_known()) return Progress::hold;
  if (tracker.status() != TransactionStatus::idle) return Progress::done;
  std::string sql;
  for (const std::string& name : x_.listen->channels()) sql += "LISTEN " + quote_identifier(name) + ';';
  if (ServerStream(x_).insert_statement(sql, nullptr) == Progress::hold) return Progress::done;
  x_.listen->note_shown();
  x_.watch.note_begin({Pin::listen}, text);
  return Progress::done;
}

}  // namespace pgweir
