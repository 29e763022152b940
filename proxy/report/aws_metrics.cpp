#include "proxy/report/aws_metrics.hpp"

#include <ctime>

#include "proxy/aws/aws.hpp"
#include "proxy/report/metric_family.hpp"
#include "proxy/report/sources.hpp"

namespace pgweir::aws {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

void add_secrets(const SecretStore::Stats& stats, std::vector<MetricFamily>& out) {
  if (stats.read_at.empty()) return;
  MetricFamily reads = metric_family("pgweir_secret_reads_total", "Secrets read from AWS, by how that ended",
                                     MetricType::Counter);
  for (std::size_t i = 0; i < call_result_count; ++i)
    add_series(reads, {{"result", std::string(to_string(static_cast<CallResult>(i)))}},
               static_cast<double>(stats.reads[i]));
  out.push_back(std::move(reads));
  MetricFamily ages = metric_family("pgweir_secret_age_seconds", "Time since a user's secret was last read",
                                    MetricType::Gauge);
  for (const auto& [user, at] : stats.read_at) {
    // One that was never read has no age.
    if (at > 0)
      add_series(ages, {{"user", user}},
                 static_cast<double>(std::max<std::int64_t>(0, std::time(nullptr) - at)));
  }
  out.push_back(std::move(ages));
}

}  // namespace

void add_metrics(const Sources& sources, std::vector<MetricFamily>& out) {
  add_secrets(sources.aws.secret_stats(), out);
  MetricFamily verifications =
      metric_family("pgweir_iam_verifications_total",
                    "Tokens of clients that prove a role, by what became of them", MetricType::Counter);
  const auto counts = sources.aws.verification_stats();
  for (std::size_t i = 0; i < counts.size(); ++i)
    add_series(verifications, {{"result", std::string(to_string(static_cast<Verification>(i)))}},
               static_cast<double>(counts[i]));
  out.push_back(std::move(verifications));
  const std::int64_t expires = sources.aws.credentials_expire();
  if (expires == 0) return;
  MetricFamily expiry = metric_family("pgweir_aws_credentials_expiry_timestamp_seconds",
                                      "When the present credentials of pgweir end", MetricType::Gauge);
  add_series(expiry, {}, static_cast<double>(expires));
  out.push_back(std::move(expiry));
}

}  // namespace pgweir::aws
