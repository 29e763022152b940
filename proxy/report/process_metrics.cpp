#include "proxy/report/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "proxy/report/metric_family.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

void add_one(std::vector<MetricFamily>& out, const char* name, const char* help, MetricType type,
             double value) {
  MetricFamily made = metric_family(name, help, type);
  add_series(made, {}, value);
  out.push_back(std::move(made));
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// proc(5), statm.
double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code ignored;
  const std::filesystem::directory_iterator list("/proc/self/fd", ignored);
  return static_cast<double>(std::distance(begin(list), end(list)));
}

double start_time() {
  static const std::time_t started = std::time(nullptr);
  return static_cast<double>(started);
}

}  // namespace

void add_process_metrics(const Sources& sources, std::vector<MetricFamily>& out) {
  MetricFamily cpu =
      metric_family("pgweir_worker_cpu_seconds_total",
                    "CPU time of each worker's thread; 1 a second is all it can have", MetricType::Counter);
  MetricFamily login =
      metric_family("pgweir_login_seconds", "Time from a client's connection to the end of its login",
                    MetricType::Histogram);
  std::vector<const DurationHistogram*> logins;
  for (const auto& worker : sources.workers.list) {
    add_series(cpu, {{"worker", std::to_string(worker->index())}},
               std::chrono::duration<double>(worker->cpu_time()).count());
    logins.push_back(&worker->counters().login);
  }
  add_histogram(login, {}, logins);
  out.push_back(std::move(cpu));
  out.push_back(std::move(login));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  add_one(out, "process_cpu_seconds_total", "CPU time of all threads", MetricType::Counter,
          seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  add_one(out, "process_resident_memory_bytes", "Resident memory", MetricType::Gauge, resident_bytes());
  add_one(out, "process_open_fds", "Open descriptors", MetricType::Gauge, open_descriptors());
  add_one(out, "process_max_fds", "Descriptors that may be open", MetricType::Gauge,
          static_cast<double>(descriptors.rlim_cur));
  add_one(out, "process_start_time_seconds", "When the process began, in seconds since 1970",
          MetricType::Gauge, start_time());
}

}  // namespace pgweir
