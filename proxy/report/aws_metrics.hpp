// What AWS was asked, as metrics. Any thread.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace pgweir {
struct Sources;
}

namespace pgweir::aws {

// Without secrets or credentials, their metrics are left out.
void add_metrics(const Sources& sources, std::vector<prometheus::MetricFamily>& out);

}  // namespace pgweir::aws
