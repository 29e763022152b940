// What the process itself and its workers use. Thread rule: any thread.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace pgweir {

struct Sources;

// Under the names that Prometheus' own client libraries use, where they have one.
void add_process_metrics(const Sources& sources, std::vector<prometheus::MetricFamily>& out);

}  // namespace pgweir
