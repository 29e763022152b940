// Gathers what emf.hpp prints, and prints it. Thread rule: main thread.
#pragma once

#include <ostream>

#include "config/settings.hpp"
#include "proxy/report/emf.hpp"
#include "proxy/report/inventory.hpp"

namespace pgweir {

class EmfWriter {
 public:
  EmfWriter(const Sources& sources, std::ostream& out) : sources_(sources), out_(out) {}

  // To be called about once a second; prints when an interval is over.
  void observe(const config::Metrics& settings, const std::vector<PoolFacts>& pools, TimePoint now);

 private:
  // Without what takes asking the workers.
  EmfSample sample(const std::vector<PoolFacts>& pools) const;
  void print(const EmfNames& names, const EmfSample& sampled);

  const Sources& sources_;
  std::ostream& out_;
  EmfSample before_;
  std::uint64_t looks_ = 0;
  std::uint64_t up_ = 0;
  TimePoint printed_at_ = Clock::now();
};

}  // namespace pgweir
