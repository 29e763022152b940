// The whole process: workers, pools, listener, admin address, signals. Runs on the main thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "config/load.hpp"
#include "proxy/console/console.hpp"
#include "proxy/login/snapshot.hpp"
#include "proxy/process/admin_routes.hpp"
#include "proxy/process/drain.hpp"
#include "proxy/process/listener.hpp"
#include "proxy/process/services.hpp"
#include "proxy/report/emf_writer.hpp"
#include "proxy/report/http.hpp"
#include "proxy/report/metrics.hpp"

namespace pgweir {

class Server final : private Administration {
 public:
  // How soon a changed file is noticed.
  static constexpr std::chrono::milliseconds watch_interval{2'000};

  // How often the pools' counters are added up.
  static constexpr std::chrono::milliseconds observe_interval{1'000};

  // Binds both addresses; throws when that fails.
  Server(std::string config_path, std::shared_ptr<const config::Settings> settings);
  ~Server() override;

  // Serves until a signal has ended it, and returns the process's exit code.
  int run();

 private:
  void wait_for_signal();
  void on_signal(int signal);
  std::string load(const config::Overrides& overrides);
  const config::Settings& settings() const override { return *snapshot_->settings; }
  std::string reload_file() override;
  std::string override_setting(const std::string& path, const std::string& value) override;
  void shut_down(Shutdown how) override;
  void observe();
  void use(SnapshotRef snapshot);
  void use_secrets(UserSecretsRef secrets);
  void show_expiry();
  void watch_files();
  void reload_tls();
  void begin_drain();

  const std::string config_path_;
  // Of these the sockets and the workers stay as they are.
  const std::shared_ptr<const config::Settings> started_with_;
  boost::asio::io_context io_{1};
  Services services_;
  Metrics metrics_{services_.sources};
  Statistics statistics_{Clock::now()};
  EmfWriter emf_{services_.sources, std::cout};
  Console console_{io_, services_.sources, *this, statistics_};
  SnapshotRef snapshot_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<HttpServer> http_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer stop_timer_;
  Drain drain_{io_, services_, [this] { io_.stop(); }};
  AdminRoutes routes_{services_, metrics_, drain_, *this};
  boost::asio::steady_timer watch_timer_;
  boost::asio::steady_timer observe_timer_;
  config::Overrides overrides_;  // set on the console, until a reload
  std::string tls_files_state_;
  std::string config_state_;
};

// `workers: auto`: the cores that this process may use (affinity and cgroup quota), at most four. A pool of
// the usual size seldom keeps more than that busy.
unsigned auto_workers();

}  // namespace pgweir
