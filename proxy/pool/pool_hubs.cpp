#include "proxy/pool/pool_hubs.hpp"

namespace pgweir {

std::shared_ptr<ListenHub> PoolHubs::get(const std::string& encoding, Worker& here,
                                         std::function<HubSource()> source) {
  const std::lock_guard lock(mutex_);
  if (closed_) return nullptr;
  std::shared_ptr<ListenHub>& hub = hubs_[encoding];
  if (!hub) hub = std::make_shared<ListenHub>(here, workers_, sink_, std::move(source), encoding);
  return hub;
}

std::vector<std::shared_ptr<ListenHub>> PoolHubs::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ListenHub>> all;
  for (const auto& [encoding, hub] : hubs_) all.push_back(hub);
  return all;
}

void PoolHubs::retire() {
  const std::lock_guard lock(mutex_);
  retire_all();
}

void PoolHubs::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  retire_all();
}

void PoolHubs::retire_all() {
  for (const auto& [encoding, hub] : hubs_) hub->retire();
  hubs_.clear();
}

}  // namespace pgweir
