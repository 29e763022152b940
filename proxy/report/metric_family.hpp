// How a family of Prometheus metrics is put together. Pure.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/counters.hpp"

namespace pgweir {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

inline prometheus::MetricFamily metric_family(std::string name, std::string help,
                                              prometheus::MetricType type) {
  prometheus::MetricFamily made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.type = type;
  return made;
}

// One series of a counter or gauge.
inline void add_series(prometheus::MetricFamily& to, MetricLabels labels, double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  to.metric.push_back(std::move(metric));
}

// One series of a histogram, the sum of several.
inline void add_histogram(prometheus::MetricFamily& to, MetricLabels labels,
                          const std::vector<const DurationHistogram*>& parts) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= DurationHistogram::bounds; ++i) {
    for (const DurationHistogram* part : parts) cumulative += part->count(i);
    const bool last = i == DurationHistogram::bounds;
    metric.histogram.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : DurationHistogram::bound_seconds(i)});
  }
  std::uint64_t sum_us = 0;
  for (const DurationHistogram* part : parts) sum_us += part->sum_us();
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = static_cast<double>(sum_us) * 1e-6;
  to.metric.push_back(std::move(metric));
}

}  // namespace pgweir
