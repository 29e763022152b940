#include "proxy/backend/reported_parameters.hpp"

namespace pgweir {

bool take_parameter(Backend& backend, ByteView body, SettingsMemo& memo, ParameterStatusView& taken) {
  if (parse_parameter_status(body, taken) != Errc::ok) return false;
  if (!may_report(*backend.parameters, taken.name)) return false;
  backend.parameters = memo.with(backend.parameters, taken.name, taken.value);
  return true;
}

}  // namespace pgweir
