// What one statement leaves to the client, wherever that goes, and what ends with its transaction. Part of
// explain_pin. Any thread.
#pragma once

#include "protocol/sql_effects.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/explain/explanation.hpp"

namespace pgweir {

void explain_following(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                       ExplainedStatement& out);

}  // namespace pgweir
