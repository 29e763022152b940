// Prometheus metrics of the whole process, gathered at scrape from the workers' counters and the pools'
// state. Labels are configured names and the names of enums; nothing a client says becomes one. Thread rule:
// Collect() on any thread.
#pragma once

#include <prometheus/collectable.h>

#include <string>

namespace pgweir {

struct Services;

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const Services& services) : services_(services) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Services& services_;
};

// The exposition format of a scrape.
std::string metrics_text(const Metrics& metrics);

}  // namespace pgweir
