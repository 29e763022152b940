#include "proxy/state/schema_version.hpp"

namespace pgweir {

SchemaVersion::Doubt SchemaVersion::doubt() {
  doubts_.fetch_add(1, std::memory_order_acq_rel);
  // Something that is not null, so that whoever holds a doubt can be asked whether it does.
  return {this, [self = shared_from_this()](const void*) {
            self->doubts_.fetch_sub(1, std::memory_order_acq_rel);
          }};
}

std::shared_ptr<SchemaVersion> SchemaVersions::of(const std::string& host, std::uint16_t port,
                                                  const std::string& dbname) {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<SchemaVersion>& known = known_[{host, port, dbname}];
  std::shared_ptr<SchemaVersion> version = known.lock();
  if (!version) known = version = std::make_shared<SchemaVersion>();
  return version;
}

}  // namespace pgweir
