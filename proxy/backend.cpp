#include "proxy/backend.hpp"

namespace pgweir {

void note_parameter(Backend& backend, const ParameterStatusView& status, Interner& interner) {
  SettingMap changed = *backend.parameters;
  changed.insert_or_assign(std::string(status.name), std::string(status.value));
  backend.parameters = interner.intern(std::move(changed));
}

}  // namespace pgweir
