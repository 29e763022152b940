// One statement of a text that is explained. Part of explain_pin. Any thread.
#pragma once

#include "protocol/sql_scan.hpp"
#include "proxy/explain_pin.hpp"

namespace pgweir {

// What the text as a whole decides.
struct ExplainedText {
  bool alone = true;              // it has no other statement
  bool channels_followed = true;  // its LISTEN and UNLISTEN are understood, all of them
  bool reads_sequences = false;   // currval() or lastval() is called
};

ExplainedStatement explain_statement(const SqlStatement& statement, const ExplainedText& context,
                                     const Judgement& judgement);

}  // namespace pgweir
