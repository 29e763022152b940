// What one check has found out. Checks never print; the report does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgweir::doctor {

enum class Verdict : std::uint8_t {
  passed,
  warning,        // works, but not well or not safely
  problem,        // why a connection does not work, or will not
  not_evaluated,  // evidence is missing. Never the same as passed.
};
std::string_view to_string(Verdict verdict);

struct Evidence {
  std::string where;  // a file and a path in it, or a probe
  std::string value;
};

struct Finding {
  std::string id;  // S03, L05
  Verdict verdict = Verdict::passed;
  std::string summary;                   // one sentence
  std::vector<Evidence> evidence = {};   // never a secret
  std::vector<std::string> causes = {};  // the likeliest first; empty: the summary is the cause
  std::vector<std::string> fixes = {};   // commands, or what to write into a configuration
};

Finding passed(std::string id, std::string summary, std::vector<Evidence> evidence = {});
Finding problem(std::string id, std::string summary, std::vector<Evidence> evidence,
                std::vector<std::string> fixes);
Finding warning(std::string id, std::string summary, std::vector<Evidence> evidence,
                std::vector<std::string> fixes);
Finding not_evaluated(std::string id, std::string reason);

}  // namespace pgweir::doctor
