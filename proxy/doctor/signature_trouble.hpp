// L27: whether AWS accepts signatures from here. Pure.
#pragma once

#include <vector>

#include "proxy/doctor/aws_probe.hpp"
#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

// AWS refuses signatures whose time is five minutes off, some services only those fifteen minutes off.
inline constexpr std::chrono::seconds clock_difference_max{60};

bool is_signature_trouble(const AwsAnswer& answer);
Finding judge_signatures(const Identity& identity, const std::vector<const SecretReading*>& readings);
// How far this machine's clock is ahead of AWS', where both are known.
std::chrono::seconds clock_difference(const AwsAnswer& answer);
// Both clocks, as evidence.
std::vector<Evidence> clocks(const AwsAnswer& answer);

}  // namespace pgweir::doctor
