// One statement of a text that is explained. Part of explain_pin. Any thread.
#pragma once

#include "protocol/sql_scan.hpp"
#include "proxy/explain/explanation.hpp"

namespace pgweir {

ExplainedStatement explain_statement(const SqlStatement& statement, const ExplainedText& context,
                                     const Judgement& judgement);

}  // namespace pgweir
