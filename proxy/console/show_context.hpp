// What a table of SHOW is made from.
#pragma once

#include "proxy/console/statistics.hpp"
#include "proxy/report/inventory.hpp"

namespace pgweir {

class PoolRegistry;

struct ShowContext {
  const Inventory& inventory;
  const config::Settings& settings;
  const PoolRegistry& pools;
  const Statistics& statistics;
  bool shutting_down = false;
  bool paused = false;  // all of it
};

}  // namespace pgweir
