#include "proxy/process/server.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <fstream>

#include "config/diff.hpp"
#include "config/load.hpp"
#include "config/validate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/process/serve.hpp"
#include "proxy/report/notify_manager.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;

constexpr unsigned auto_workers_max = 4;

// cpu.max (cgroup v2) or cpu.cfs_quota_us (v1), in whole cores rounded up; 0: no limit.
unsigned quota_cores() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) {
    return static_cast<unsigned>(std::max(1.0, std::ceil(std::stod(quota) / period)));
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double us = 0;
  if (v1_quota >> us && v1_period >> period && us > 0 && period > 0) {
    return static_cast<unsigned>(std::max(1.0, std::ceil(us / period)));
  }
  return 0;
}

}  // namespace

int run_server(const std::string& config_path, std::shared_ptr<const config::Settings> settings) {
  Server server(config_path, std::move(settings));
  return server.run();
}

unsigned auto_workers() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned cores = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    cores = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  if (const unsigned quota = quota_cores(); quota > 0) cores = std::min(cores, quota);
  return std::min(cores, auto_workers_max);
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Server::Server(std::string config_path, std::shared_ptr<const config::Settings> settings)
    : config_path_(std::move(config_path)),
      started_with_(settings),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      stop_timer_(io_),
      watch_timer_(io_),
      observe_timer_(io_) {
  std::vector<config::Problem> problems;
  TlsFiles tls = load_tls_files(*settings, {}, {}, problems);
  for (const config::Problem& problem : problems) {
    if (problem.severity == config::Severity::error) throw std::runtime_error(config::to_string(problem));
  }
  tls_files_state_ = tls_files_state(*settings);
  config_state_ = file_state(config_path_);
  snapshot_ = make_snapshot(std::move(settings), nullptr, std::move(tls));
  const config::Settings& s = *snapshot_->settings;
  listener_ = std::make_shared<Listener>(s.listen.host, s.listen.port, s.listen.reuse_port);
  http_ = std::make_shared<HttpServer>(io_, s.admin.host, s.admin.port, s.listen.reuse_port,
                                       [this](std::string_view path) { return routes_.answer(path); });
  const unsigned count = s.workers.value_or(auto_workers());
  services_.make_workers(count, snapshot_);
  services_.pools.apply(snapshot_);
  services_.post_to_main = [this](std::function<void()> function) { asio::post(io_, std::move(function)); };
  services_.console.take = [this](const ConsoleRequest& request) { console_.take(request); };
  services_.use_secrets = [this](UserSecretsRef secrets) { use_secrets(std::move(secrets)); };
  if (s.uses_aws()) services_.aws.configure(snapshot_->settings);
  show_expiry();
}

Server::~Server() {
  services_.aws.stop();  // it posts to workers
  for (const auto& worker : services_.workers.list) worker->stop();
  for (const auto& worker : services_.workers.list) worker->join();
  services_.workers.shared.slow_jobs.join();
  services_.pools.close();  // backends know their worker's Reactor
  services_.workers.list.clear();
}

int Server::run() {
  ::signal(SIGPIPE, SIG_IGN);
  for (const auto& worker : services_.workers.list) worker->start();
  listener_->start(*services_.workers.list.front(), services_.sessions);
  http_->start();
  wait_for_signal();
  watch_files();
  observe();
  const config::Settings& s = *snapshot_->settings;
  log::info("started", {{"version", PGWEIR_VERSION},
                        {"listen", s.listen.host + ":" + std::to_string(s.listen.port)},
                        {"admin", s.admin.host + ":" + std::to_string(s.admin.port)},
                        {"workers", std::to_string(services_.workers.list.size())}});
  notify_manager("READY=1");
  io_.run();
  log::info("stopped", {});
  return 0;
}

void Server::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code ec, int signal) {
    if (ec) return;
    on_signal(signal);
    wait_for_signal();
  });
}

void Server::on_signal(int signal) {
  if (signal == SIGHUP) return static_cast<void>(reload_file());
  if (!drain_.begun()) return begin_drain();
  log::warning("stopping_at_once", {{"clients", std::to_string(services_.sessions.count())}});
  io_.stop();
}

std::string Server::reload_file() {
  std::string problems = load({});
  if (problems.empty()) overrides_.clear();
  return problems;
}

std::string Server::override_setting(const std::string& path, const std::string& value) {
  config::Overrides overrides = overrides_;
  std::erase_if(overrides, [&](const config::Override& each) { return each.path == path; });
  overrides.push_back({path, value});
  std::string problems = load(overrides);
  if (problems.empty()) overrides_ = std::move(overrides);
  return problems;
}

// An invalid file changes nothing. Returns what is wrong with it.
std::string Server::load(const config::Overrides& overrides) {
  const ReloadNotice notice;
  config_state_ = file_state(config_path_);
  config::LoadResult loaded = config::load_file(config_path_, overrides);
  TlsFiles tls;
  if (loaded.settings) {
    tls_files_state_ = tls_files_state(*loaded.settings);
    tls = load_tls_files(*loaded.settings, snapshot_->tls, loaded.locations, loaded.problems);
    check_verifiers(*loaded.settings, loaded.locations, loaded.problems);
    if (config::has_error(loaded.problems)) loaded.settings.reset();
  }
  std::string errors;
  for (const config::Problem& problem : loaded.problems) {
    const bool is_error = problem.severity == config::Severity::error;
    (is_error ? log::error : log::warning)("configuration_problem",
                                           {{"problem", config::to_string(problem)}});
    if (is_error) errors += (errors.empty() ? "" : "; ") + config::to_string(problem);
  }
  if (!loaded.settings) {
    log::error("reload_refused", {{"problems", std::to_string(loaded.problems.size())},
                                  {"message", "the previous configuration stays in force"}});
    return errors;
  }
  const std::vector<config::Change> changes =
      config::diff(*snapshot_->settings, *loaded.settings, *started_with_);
  for (const config::Change& change : changes)
    log::info("setting_changed", {{"change", config::to_string(change)}});
  const bool uses_aws = loaded.settings->uses_aws() || snapshot_->settings->uses_aws();
  use(make_snapshot(loaded.settings, snapshot_, std::move(tls), snapshot_->secrets));
  if (uses_aws) services_.aws.configure(snapshot_->settings);
  log::change(snapshot_->settings->log);
  log::info("reloaded", {{"changes", std::to_string(changes.size())}});
  return {};
}

void Server::use(SnapshotRef snapshot) {
  snapshot_ = std::move(snapshot);
  services_.pools.apply(snapshot_);
  for (const auto& worker : services_.workers.list) worker->use_snapshot(snapshot_);
  show_expiry();
}

void Server::observe() {
  const std::vector<PoolFacts> pools = take_pools(services_.sources);
  const TimePoint now = Clock::now();
  statistics_.observe(pools, now);
  routes_.observe(pools, now);
  emf_.observe(snapshot_->settings->metrics, pools, now);
  observe_timer_.expires_after(observe_interval);
  observe_timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) observe();
  });
}

void Server::begin_drain() {
  notify_manager("STOPPING=1");
  drain_.begin(*snapshot_->settings, listener_);
}

void Server::shut_down(Shutdown how) {
  switch (how) {
    case Shutdown::when_released:
      return begin_drain();
    case Shutdown::when_clients_gone:
      return drain_.wait_for_clients(listener_);
    case Shutdown::at_once:
      break;
  }
  // The answer to the command goes out first.
  stop_timer_.expires_after(Drain::poll);
  stop_timer_.async_wait([this](boost::system::error_code) { io_.stop(); });
}

// Clients and new backends use these secrets from now on; existing backends live on.
void Server::use_secrets(UserSecretsRef secrets) {
  use(make_snapshot(snapshot_->settings, snapshot_, snapshot_->tls, std::move(secrets)));
}

void Server::show_expiry() {
  const TlsServerRef& tls = snapshot_->tls.listen;
  services_.certificate_expires = tls ? tls->expires : 0;
}

// A renewed certificate is taken up without a command, and a changed configuration where that is wanted. The
// two files of a pair do not change in one step: a pair that does not fit together yet is looked at again
// when it has changed once more.
void Server::watch_files() {
  watch_timer_.expires_after(watch_interval);
  watch_timer_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;
    std::string state = tls_files_state(*snapshot_->settings);
    const bool watches = snapshot_->settings->admin.watch_config;
    if (watches && file_state(config_path_) != config_state_) {
      reload_file();
    } else if (state != tls_files_state_) {
      tls_files_state_ = std::move(state);
      reload_tls();
    }
    watch_files();
  });
}

void Server::reload_tls() {
  std::vector<config::Problem> problems;
  TlsFiles tls = load_tls_files(*snapshot_->settings, snapshot_->tls, {config_path_, {}}, problems);
  const bool refused = config::has_error(problems);
  for (const config::Problem& problem : problems)
    log::error(refused ? "tls_files_refused" : "tls_files_problem",
               {{"problem", config::to_string(problem)}});
  if (refused) return;
  use(make_snapshot(snapshot_->settings, snapshot_, std::move(tls), snapshot_->secrets));
  log::info("tls_files_reloaded", {});
}

}  // namespace pgweir
