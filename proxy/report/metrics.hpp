// Prometheus metrics of the whole process, gathered at scrape from the workers' counters and the pools'
// state. Labels are configured names and the names of enums; nothing a client says becomes one. Thread rule:
// Collect() on any thread.
#pragma once

#include <prometheus/collectable.h>

#include <string>

namespace pgweir {

struct Sources;

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const Sources& sources) : sources_(sources) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Sources& sources_;
};

// The exposition format of a scrape.
std::string metrics_text(const Metrics& metrics);

}  // namespace pgweir
