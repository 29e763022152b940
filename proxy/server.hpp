// The whole process: workers, pools, listener, admin address, signals. Runs on the main thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "proxy/http.hpp"
#include "proxy/listener.hpp"
#include "proxy/metrics.hpp"
#include "proxy/services.hpp"
#include "proxy/snapshot.hpp"

namespace pgweir {

class Server {
 public:
  // How soon a changed certificate file is noticed.
  static constexpr std::chrono::milliseconds tls_watch_interval{2'000};

  // Binds both addresses; throws when that fails.
  Server(std::string config_path, std::shared_ptr<const config::Settings> settings);
  ~Server();

  // Serves until a signal has ended it. The process's exit code.
  int run();

 private:
  void wait_for_signal();
  void on_signal(int signal);
  void reload();
  void use(SnapshotRef snapshot);
  void use_secrets(UserSecretsRef secrets);
  void show_expiry();
  void watch_tls_files();
  void reload_tls();
  void begin_drain();
  void check_drained();
  HttpReply answer(std::string_view path) const;
  bool can_serve() const;

  const std::string config_path_;
  boost::asio::io_context io_{1};
  Services services_;
  Metrics metrics_{services_};
  SnapshotRef snapshot_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<HttpServer> http_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer drain_timer_;
  boost::asio::steady_timer tls_timer_;
  std::string tls_files_state_;
  TimePoint drain_until_{};
};

// `workers: auto`: the cores that this process may use (affinity and cgroup quota), at most four. A pool of
// the usual size seldom keeps more busy.
unsigned auto_workers();

}  // namespace pgweir
