#include "proxy/code/code_catalog.hpp"

namespace pgweir {

void CodeCatalog::forget() {
  functions_.forget_all();
  triggers_.forget();
  definitions_.forget();
}

void CodeCatalog::take_stamp(std::string_view stamp) {
  const std::lock_guard lock(stamp_mutex_);
  if (stamp_ == stamp) return;
  stamp_ = stamp;
  forget();
}

}  // namespace pgweir
