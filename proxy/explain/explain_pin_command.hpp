// `pgweir explain-pin`: reads the text, prints the explanation.
#pragma once

#include <string>

#include "proxy/state/pin_rules.hpp"

namespace pgweir {

struct ExplainPinOptions {
  std::string sql;  // "-": standard input
  bool json = false;
  Judgement judgement;
};

// The program's exit code: 0, or 2 when there is no text to read.
int run_explain_pin(const ExplainPinOptions& options);

}  // namespace pgweir
