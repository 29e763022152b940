#include "config/validate.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "config/aws_check.hpp"
#include "config/kept_warm.hpp"
#include "config/pass_through.hpp"
#include "config/suggest.hpp"

namespace pgweir::config {

namespace {

constexpr std::size_t name_bytes_max = 63;   // NAMEDATALEN - 1: PostgreSQL cuts what is longer
constexpr std::size_t host_bytes_max = 253;  // RFC 1035, section 2.3.4
constexpr std::size_t cloudwatch_name_max = 255;
constexpr Millis emf_interval_min = std::chrono::seconds{1};
constexpr Millis long_drain = std::chrono::hours{1};
constexpr Millis short_write = std::chrono::seconds{1};  // a lost packet is sent again after 0.2 to 1 s

std::string index(const std::string& path, std::size_t i) {
  return path + '[' + std::to_string(i) + ']';
}

class Validator {
 public:
  Validator(const Settings& settings, const Locations& locations) : settings_(settings), where_(locations) {}

  std::vector<Problem> run() {
    check_listen();
    check_admin();
    for (const auto& [name, database] : settings_.databases) check_database(database);
    for (const auto& [name, user] : settings_.users) check_user(user);
    check_access();
    check_timeouts();
    check_metrics();
    for (AwsProblem& problem : check_aws(settings_))
      report(problem.path, std::move(problem.message), problem.severity);
    for (PassThroughProblem& problem : check_pass_through(settings_))
      report(problem.path, std::move(problem.message));
    return std::move(problems_);
  }

 private:
  void report(const std::string& path, std::string message, Severity severity = Severity::error) {
    // Databases that share the top-level pool share its problems; one report is enough.
    if (!reported_.insert(path + '\0' + message).second) return;
    problems_.push_back(problem_at(where_, path, std::move(message), severity));
  }

  void check_timeouts() {
    const Timeouts& timeouts = settings_.timeouts;
    if (timeouts.drain > long_drain) {
      report("timeouts.drain", "a drain of more than an hour keeps the old process alive that long",
             Severity::warning);
    }
    if (timeouts.drain.count() > 0 && timeouts.drain_accept_grace >= timeouts.drain) {
      report("timeouts.drain_accept_grace", "leaves no time to drain; make it shorter than timeouts.drain");
    }
    if (timeouts.client_write.count() > 0 && timeouts.client_write < short_write) {
      report("timeouts.client_write", "less than a second closes clients that are merely slow for a moment",
             Severity::warning);
    }
  }

  // "Namespace: a string of 1 to 255 characters", dimension values likewise (CloudWatch API, MetricDatum).
  void check_metrics() {
    const Metrics& metrics = settings_.metrics;
    if (metrics.emf_namespace.empty() || metrics.emf_namespace.size() > cloudwatch_name_max)
      report("metrics.emf_namespace", "CloudWatch takes 1 to 255 characters");
    if (metrics.emf_proxy_name.size() > cloudwatch_name_max)
      report("metrics.emf_proxy_name", "CloudWatch takes 1 to 255 characters");
    if (metrics.emf_interval < emf_interval_min)
      report("metrics.emf_interval", "less than a second is more than CloudWatch keeps apart");
  }

  void check_user(const User& user) {
    const std::string path = join_path("users", user.name);
    check_name(path, user.name);
    check_certificate(path, user);
    if (user.scram_verifier.empty() || settings_.listen.auth == AuthMethod::scram_sha_256) return;
    report(path + ".scram_verifier", "needs listen.auth scram-sha-256: only its proof can be passed on");
  }

  void check_certificate(const std::string& path, const User& user) {
    if (user.certificate.empty()) return;
    if (!user.iam_roles.empty())
      report(path + ".certificate", "instead of what iam asks for? Give one of the two");
    const ListenTls& tls = settings_.listen.tls;
    if (tls.mode == TlsMode::disable || tls.client_ca_file.empty())
      report(path + ".certificate",
             "needs listen.tls.client_ca_file: who may have signed clients' certificates");
  }

  void check_access() {
    if (!settings_.access) return;
    for (std::size_t i = 0; i < settings_.access->size(); ++i) {
      const AccessRule& rule = (*settings_.access)[i];
      const std::string path = index("access", i);
      check_rule_users(path + ".users", rule.users);
      if (rule.tls && rule.allow && settings_.listen.tls.mode == TlsMode::disable)
        report(path + ".tls", "fits no client while listen.tls.mode is disable");
      for (std::size_t k = 0; k < rule.databases.size(); ++k) {
        if (!is_console_database(rule.databases[k]) && settings_.find_database(rule.databases[k]) == nullptr)
          report(index(path + ".databases", k), "there is no such database under databases");
      }
    }
  }

  void check_listen() {
    const Listen& listen = settings_.listen;
    check_host("listen.host", listen.host);
    if (listen.auth == AuthMethod::trust && !is_loopback(listen.host)) {
      report("listen.auth", "trust admits any client and needs a loopback listen.host such as 127.0.0.1");
    }
  }

  void check_admin() {
    const Admin& admin = settings_.admin;
    check_host("admin.host", admin.host);
    if (admin.port == settings_.listen.port && hosts_overlap(admin.host, settings_.listen.host)) {
      report("admin.port", "the same address as listen; give the admin listener a port of its own");
    }
    check_console_users("admin.console_users", admin.console_users);
    check_console_users("admin.stats_users", admin.stats_users);
    check_ready_requires(admin.ready_requires);
  }

  // A database that is not watched would never count as ready, or always.
  void check_ready_requires(const std::vector<std::string>& names) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string path = index("admin.ready_requires", i);
      if (!seen.insert(names[i]).second) report(path, "named twice");
      if (names[i] == "*") {
        report(path, "\"*\" stands for no database in particular; give names");
        continue;
      }
      const auto found = settings_.databases.find(names[i]);
      if (found == settings_.databases.end()) {
        report(path, "there is no such database under databases");
      } else if (!settings_.users.empty() && !is_kept_warm(settings_, found->second)) {
        report(path,
               "no pool of this database is kept warm, so nobody would notice that it is away; it needs "
               "min_size 1 and a user with a password, one who is not for the console");
      }
    }
  }

  void check_console_users(const std::string& list, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string path = index(list, i);
      check_name(path, names[i]);
      if (is_unknown_user(names[i])) {
        report(path, "there is no such user under users, so nobody can log in by this name",
               Severity::warning);
      }
    }
  }

  static bool hosts_overlap(const std::string& a, const std::string& b) {
    const auto is_any = [](const std::string& host) {
      return host == "0.0.0.0" || host == "::" || host == "*";
    };
    const auto normal = [](const std::string& host) { return host == "localhost" ? "127.0.0.1" : host; };
    return is_any(a) || is_any(b) || normal(a) == normal(b);
  }

  // An empty list of users is a problem of its own; then no name is known, and saying so of each is noise.
  bool is_unknown_user(const std::string& name) const {
    return !settings_.users.empty() && settings_.find_user(name) == nullptr;
  }

  void check_database(const Database& database) {
    const std::string path = join_path("databases", database.name);
    check_name(path, database.name);
    if (is_console_database(database.name)) {
      report(path, "the console answers under this name and hides the database", Severity::warning);
    }
    check_host(path + ".host", database.host);
    if (database.name == "*" && !database.dbname.empty()) {
      report(path + ".dbname", "\"*\" passes on the name that the client asks for and cannot have a dbname");
    }
    if (database.name != "*") check_name(path + ".dbname", database.dbname);
    check_users(path + ".users", database.users);
    check_pool(path + ".pool", database.pool);
  }

  // Rules may also name users whose passwords the server judges.
  void check_rule_users(const std::string& path, std::vector<std::string> users) {
    std::erase_if(users, [&](const std::string& user) {
      return std::any_of(settings_.databases.begin(), settings_.databases.end(), [&](const auto& entry) {
        return pass_through_of(settings_, entry.first, user) != nullptr;
      });
    });
    check_users(path, users);
  }

  void check_users(const std::string& path, const std::vector<std::string>& users) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (is_unknown_user(users[i])) report(index(path, i), no_such_user(users[i]));
      if (!seen.insert(users[i]).second) report(index(path, i), "named twice");
    }
  }

  std::string no_such_user(const std::string& name) const {
    std::vector<std::string_view> known;
    for (const auto& [each, user] : settings_.users) known.push_back(each);
    const std::string_view guess = suggest(name, known);
    return "there is no user \"" + printable(name) + "\" under users" +
           (guess.empty() ? std::string() : "; did you mean " + printable(guess) + "?");
  }

  // Where a pool's key is set: in the database's own pool, or in the one that all share.
  std::string pool_key(const std::string& own, std::string_view key) const {
    const std::string path = join_path(own, key);
    return where_.contains(path) ? path : join_path("pool", key);
  }

  void check_pool(const std::string& path, const Pool& pool) {
    if (pool.borrow_timeout.count() == 0) {
      report(pool_key(path, "borrow_timeout"), "must not be 0: clients would wait for ever");
    }
    if (pool.connect_timeout.count() == 0) {
      report(pool_key(path, "connect_timeout"),
             "must not be 0: a silent server would block the pool for ever");
    }
    if (pool.min_size <= pool.max_size) return;
    std::string at = pool_key(path, "min_size");
    if (at == "pool.min_size" && where_.contains(path + ".max_size")) at = path + ".max_size";
    report(at, "min_size " + std::to_string(pool.min_size) + " is above max_size " +
                   std::to_string(pool.max_size));
  }

  void check_name(const std::string& path, const std::string& name) {
    if (name.empty()) return report(path, "the name is empty");
    if (name.size() > name_bytes_max) {
      report(path, "the name is longer than " + std::to_string(name_bytes_max) + " bytes");
    }
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(name.begin(), name.end(), is_control)) {
      report(path, "the name contains a control character");
    }
  }

  void check_host(const std::string& path, const std::string& host) {
    if (host.empty()) return report(path, "the host is empty");
    if (host.size() > host_bytes_max) return report(path, "the host is longer than any host name");
    const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (std::any_of(host.begin(), host.end(), is_space)) {
      return report(path, "the host contains a space or a control character");
    }
    if (host.find("://") != std::string::npos)
      return report(path,
                    "a host's name or address, not a URL; port, dbname and users are keys of their own");
    // An IPv6 address has two colons at least.
    if (std::count(host.begin(), host.end(), ':') == 1) {
      report(path, "a host without its port; port is a key of its own");
    }
  }

  const Settings& settings_;
  const Locations& where_;
  std::vector<Problem> problems_;
  std::set<std::string> reported_;
};

}  // namespace

std::vector<Problem> validate(const Settings& settings, const Locations& locations) {
  return Validator(settings, locations).run();
}

bool is_loopback(std::string_view host) {
  if (host == "::1" || host == "localhost") return true;
  // Four decimal numbers, so that a name such as 127.example.org does not pass.
  if (!host.starts_with("127.")) return false;
  int dots = 0;
  int digits = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots, digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots == 3 && digits > 0;
}

std::uint64_t max_backends(const Settings& settings) {
  std::uint64_t sum = 0;
  for (const auto& [name, database] : settings.databases) {
    const std::size_t users = database.users.empty() ? settings.users.size() : database.users.size();
    sum += std::uint64_t{database.pool.max_size} * users;
  }
  return sum;
}

std::vector<Problem> check_descriptors(const Settings& settings, std::uint64_t nofile_hard_limit,
                                       const Locations& locations) {
  const std::uint64_t backends = max_backends(settings);
  const std::uint64_t clients = settings.listen.max_clients;
  const std::uint64_t needed = clients + backends + descriptor_reserve;
  if (needed <= nofile_hard_limit) return {};
  const bool pools_fit = backends + descriptor_reserve < nofile_hard_limit;
  const std::string path = pools_fit ? "listen.max_clients" : "pool.max_size";
  std::string message = std::to_string(clients) + " clients, " + std::to_string(backends) + " backends and " +
                        std::to_string(descriptor_reserve) + " in reserve need " + std::to_string(needed) +
                        " file descriptors; the hard limit is " + std::to_string(nofile_hard_limit);
  message += pools_fit ? ", so at most " + std::to_string(nofile_hard_limit - backends - descriptor_reserve) +
                             " clients are served at a time"
                       : ", less than the pools alone may open";
  return {problem_at(locations, path, std::move(message), pools_fit ? Severity::warning : Severity::error)};
}

}  // namespace pgweir::config
