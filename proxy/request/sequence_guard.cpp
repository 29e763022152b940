#include "proxy/request/sequence_guard.hpp"

#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/pin_rules.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// currval() and lastval() must never show another session's values. A pool whose clients use them pins a
// session from its first value on; other pools only note which session's values a backend has.
Progress SequenceGuard::guard(const SqlEffects& effects, std::string_view text) {
  if (take_over(effects, text) == Progress::hold) return Progress::hold;
  const bool by_view = reads_relations(effects) && x_.commons->code().views_advance_sequences();
  const bool advances = may_advance_sequence(effects) || by_view;
  if (advances) {
    x_.watch.marks.insert(Mark::advances_sequence);
    x_.sequences.advanced = true;
  }
  // Whoever asks for a value wants it to stay.
  const bool keeps = effects.reads_sequence && x_.sequences.advanced;
  if (keeps) x_.watch.marks.insert(Mark::advances_sequence);
  if (effects.facts.contains(SqlFact::nextval_or_setval)) x_.watch.marks.insert(Mark::advanced_sequence);
  if ((advances || keeps) && x_.commons->code().uses_sequence_values() && x_.watch.cause.empty())
    x_.watch.cause = to_string(effects.verb);
  return Progress::done;
}

// From here on the values on the backend are this session's; where it matters, those of other sessions are
// discarded.
Progress SequenceGuard::take_over(const SqlEffects& effects, std::string_view text) {
  Backend& backend = *x_.backend;
  const bool sees_views = reads_relations(effects);
  const bool reads = effects.reads_sequence || (sees_views && x_.commons->code().views_read_sequences());
  const bool advances =
      may_advance_sequence(effects) || (sees_views && x_.commons->code().views_advance_sequences());
  const bool views_unread =
      sees_views && x_.commons->code().definitions().verdict() == FunctionVerdict::unknown;
  if (!reads && !advances && !views_unread) return Progress::done;
  if (reads) x_.commons->code().learn_sequence_use();
  const bool foreign = backend.sequence_owner != x_.sequences.number || backend.sequence_mixed;
  bool guarded = x_.commons->code().uses_sequence_values();
  if (!guarded && foreign && backend.sequence_owner != 0) {
    // A view or a function that is not judged yet may ask for them.
    FunctionQuestion ignored;
    guarded = views_unread ||
              (effects.runs_code() &&
               x_.commons->code().functions().judge(text, ignored).knowledge == CodeKnowledge::unread);
  }
  if (guarded && foreign) {
    if (backend.sequence_owner != 0) {
      if (ServerStream(x_).insert_statement("DISCARD SEQUENCES", nullptr) == Progress::hold)
        return Progress::hold;
      x_.watch.marks.insert(Mark::inserted_discard);
    }
    backend.sequence_mixed = false;
  } else if (foreign) {
    backend.sequence_mixed = backend.sequence_mixed || backend.sequence_owner != 0;
  }
  if (advances) leave_older_values();
  backend.sequence_owner = x_.sequences.number;
  return Progress::done;
}

// Called at a Parse that may be the first message of a batch. The first statement that a batch executes is in
// no transaction block, so that a procedure may COMMIT there; after an inserted statement it would not be the
// first.
void SequenceGuard::guard_batch(const Statement& statement) {
  // Where a group of pgweir's own may go out, take_over() does not hold.
  if (x_.tracker.may_insert_group()) static_cast<void>(take_over(statement.effects, statement.text));
}

// In a pool that does not pin, a session may take values on several backends. Only the last of them has its last
// value: on the others its values are those of nobody, as no value is better than an older one.
void SequenceGuard::leave_older_values() {
  const bool had_them_elsewhere = x_.sequences.advanced && x_.backend->sequence_owner != x_.sequences.number;
  if (had_them_elsewhere && !x_.commons->code().uses_sequence_values())
    x_.sequences.number = x_.worker.new_number();
}

void SequenceGuard::note_advance() {
  Backend& backend = *x_.backend;
  const bool foreign = backend.sequence_owner != 0 && backend.sequence_owner != x_.sequences.number;
  backend.sequence_mixed = backend.sequence_mixed || foreign;
  leave_older_values();
  backend.sequence_owner = x_.sequences.number;
  x_.watch.marks.insert(Mark::advances_sequence);
  x_.sequences.advanced = true;
}

}  // namespace pgweir
