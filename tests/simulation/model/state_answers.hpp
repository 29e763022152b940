// Answers pgweir's own questions (own_questions.hpp) from the session's state.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

std::vector<Row> answer_state(SessionState& state, const StateQuestion& question,
                              const std::vector<Value>& parameters, Replay& replay);
std::vector<Row> answer_fixed(const SessionState& state, const FixedQuestion& question);

// What would pin the session, by the names that the question has for it: temporary_object, advisory_lock,
// holdable_cursor, listen, sql_prepare. Not understood: any other one.
bool has_pin(const SessionState& state, std::string_view pin);

inline constexpr std::string_view own_statement_prefix = "__pgweir_";

}  // namespace pgweir::simulation
