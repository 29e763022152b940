#include "proxy/doctor/report.hpp"

#include <algorithm>
#include <array>

#include "proxy/documents/json.hpp"

namespace pgweir::doctor {
namespace {

int place(Verdict verdict) {
  constexpr std::array order{Verdict::problem, Verdict::warning, Verdict::not_evaluated, Verdict::passed};
  return static_cast<int>(std::find(order.begin(), order.end(), verdict) - order.begin());
}

// The text of a server or a document may hold any bytes.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '\n' ? ' ' : static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

std::string line(std::string_view label, std::string_view text) {
  return "      " + std::string(label) + printable(text) + "\n";
}

}  // namespace

void rank(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return place(a.verdict) < place(b.verdict); });
}

std::string as_table(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += finding.id + "  " + std::string(to_string(finding.verdict)) + ": " + printable(finding.summary) +
           "\n";
    if (finding.verdict == Verdict::passed || finding.verdict == Verdict::not_evaluated) continue;
    for (const Evidence& one : finding.evidence) out += line("seen:  ", one.where + ": " + one.value);
    for (std::size_t i = 0; i < finding.causes.size(); ++i)
      out += line("cause: ", std::to_string(i + 1) + ". " + finding.causes[i]);
    for (const std::string& fix : finding.fixes) out += line("fix:   ", fix);
  }
  return out;
}

std::string as_json(const std::vector<Finding>& findings) {
  Json all = Json::array();
  for (const Finding& finding : findings) {
    Json evidence = Json::array();
    for (const Evidence& one : finding.evidence)
      evidence.push_back({{"where", one.where}, {"value", one.value}});
    all.push_back({{"id", finding.id},
                   {"verdict", to_string(finding.verdict)},
                   {"summary", finding.summary},
                   {"evidence", evidence},
                   {"causes", finding.causes},
                   {"fixes", finding.fixes}});
  }
  return Json{{"findings", all}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

int exit_code(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.verdict == Verdict::problem; })
             ? 1
             : 0;
}

}  // namespace pgweir::doctor
