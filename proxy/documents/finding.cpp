#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::problem:
      return "problem";
    case Verdict::not_evaluated:
      return "not evaluated";
  }
  return "";
}

Finding passed(std::string id, std::string summary, std::vector<Evidence> evidence) {
  return {std::move(id), Verdict::passed, std::move(summary), std::move(evidence)};
}

Finding problem(std::string id, std::string summary, std::vector<Evidence> evidence,
                std::vector<std::string> fixes) {
  return {std::move(id), Verdict::problem, std::move(summary), std::move(evidence), {}, std::move(fixes)};
}

Finding warning(std::string id, std::string summary, std::vector<Evidence> evidence,
                std::vector<std::string> fixes) {
  return {std::move(id), Verdict::warning, std::move(summary), std::move(evidence), {}, std::move(fixes)};
}

Finding not_evaluated(std::string id, std::string reason) {
  return {std::move(id), Verdict::not_evaluated, std::move(reason)};
}

}  // namespace pgweir::doctor
