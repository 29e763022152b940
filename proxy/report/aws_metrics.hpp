// What AWS was asked, as metrics. Any thread.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace pgweir {
struct Sources;
}

namespace pgweir::aws {

// Of secrets and credentials nothing where there are none.
void add_metrics(const Sources& sources, std::vector<prometheus::MetricFamily>& out);

}  // namespace pgweir::aws
