// What one statement leaves to the client, wherever that goes, and what ends with its transaction. Part of
// explain_pin. Any thread.
#pragma once

#include "proxy/explain_statement.hpp"

namespace pgweir {

void explain_following(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                       ExplainedStatement& out);

}  // namespace pgweir
