// The pool's listening connections: one hub for each client_encoding that clients listen in.
#include "proxy/backend/pool_login.hpp"
#include "proxy/listen/listen_hub.hpp"
#include "proxy/pool/pool.hpp"

namespace pgweir {

std::shared_ptr<ListenHub> Pool::hub(const std::string& encoding, Worker& here) {
  const std::lock_guard lock(mutex_);
  if (retired_) return nullptr;
  std::shared_ptr<ListenHub>& hub = hubs_[encoding];
  if (!hub) {
    auto source = [weak = weak_from_this()]() -> HubSource {
      const std::shared_ptr<Pool> pool = weak.lock();
      if (!pool) return {};
      const std::lock_guard source_lock(pool->mutex_);
      return {pool->target_, [&aws = pool->context_.aws, target = pool->target_, settings = pool->settings_,
                              keys = pool->scram_keys_](Worker& worker) {
                return log_in(worker, aws, target, settings, keys);
              }};
    };
    hub = std::make_shared<ListenHub>(here, context_.workers, context_.notifications, std::move(source),
                                      encoding);
  }
  return hub;
}

std::vector<std::shared_ptr<ListenHub>> Pool::hubs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ListenHub>> all;
  for (const auto& [encoding, hub] : hubs_) all.push_back(hub);
  return all;
}

void Pool::retire_hubs() {
  for (const auto& [encoding, hub] : hubs_) hub->retire();
  hubs_.clear();
}

}  // namespace pgweir
