#include "proxy/session/local_reply.hpp"

#include "protocol/frontend.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/startup.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/local_answer.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// DISCARD ALL and SEQUENCES take the values of sequences away, others do not.
bool spares_sequences(std::string_view text) {
  const std::optional<DiscardTarget> target = parse_discard(text);
  return target == DiscardTarget::plans || target == DiscardTarget::temporary;
}

}  // namespace

bool reply_locally(const Piece& piece, Exchange& x, bool listens) {
  QueryView query;
  const bool is_query = piece.type == static_cast<char>(FrontendType::Query) && piece.whole();
  if (!is_query || parse_query(piece.body(), query) != Errc::ok || !may_be_answered_locally(query.text))
    return false;
  const bool discards = leading_verb(query.text) == Verb::discard;
  SessionFacts facts{x.client.startup.get(), x.client.desired.get(), x.client.view.get()};
  facts.has_named_statements = !x.statements.committed().empty();
  facts.has_sequence_values = x.sequences.advanced && !discards;
  facts.listens = listens;
  std::optional<LocalAnswer> answer = answer_locally(query.text, facts);
  if (!answer) return false;
  if (discards && !spares_sequences(query.text)) x.sequences.disown(x.worker.new_number());
  if (answer->desired) x.client.desired = x.worker.interner().intern(std::move(*answer->desired));
  x.statements.erase({});  // as every Query does
  ByteBuffer& out = x.worker.to_client().own();
  Writer(out).raw(answer->replies);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  x.worker.to_client().end_own();
  PoolCounters& counters = x.commons->counters(x.worker);
  counters.queries.add();
  counters.answered_here.add();
  return true;
}

}  // namespace pgweir
