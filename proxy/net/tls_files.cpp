#include "proxy/net/tls_files.hpp"

#include <ctime>

namespace pgweir {
namespace {

// `section`: the path of the `tls` section that names the file.
void report(const std::string& section, const TlsProblem& problem, const config::Locations& locations,
            std::vector<config::Problem>& problems, config::Severity severity = config::Severity::error) {
  if (problem.message.empty()) return;
  std::string path = problem.key.empty() ? section : config::join_path(section, problem.key);
  problems.push_back(config::problem_at(locations, std::move(path), problem.message, severity));
}

}  // namespace

TlsFiles load_tls_files(const config::Settings& settings, const TlsFiles& previous,
                        const config::Locations& locations, std::vector<config::Problem>& problems) {
  TlsFiles made;
  TlsProblem problem;
  made.listen = load_tls_server(settings.listen.tls, problem);
  report("listen.tls", problem, locations, problems);
  if (made.listen && made.listen->expires < std::time(nullptr))
    report("listen.tls", {"cert_file", "the certificate has expired"}, locations, problems,
           config::Severity::warning);
  for (const auto& [name, database] : settings.databases) {
    problem = {};
    TlsClientRef context = load_tls_client(database.tls, database.host, problem);
    report(config::join_path("databases", name) + ".tls", problem, locations, problems);
    const auto before = previous.databases.find(name);
    const bool same = context && before != previous.databases.end() && before->second &&
                      before->second->identity == context->identity && before->second->host == context->host;
    made.databases.emplace(name, same ? before->second : std::move(context));
  }
  return made;
}

}  // namespace pgweir
