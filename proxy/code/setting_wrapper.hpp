// Functions that do nothing but call set_config(), with which many applications name their tenant:
//
//   CREATE FUNCTION set_tenant(t text) ... AS $$ SELECT set_config('app.tenant', t, true) $$
//
// What a call of such a function sets is as certain as if set_config() stood there itself. Pure; any thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "protocol/sql_set_config.hpp"
#include "proxy/code/function_source.hpp"

namespace pgweir {

struct SettingWrapper {
  std::size_t parameters = 0;
  // Each call is made once, in this order; a parameter stands for the wrapper's own, from 1 on.
  std::vector<SetConfigCall> calls;
};

// Null: the function is not certainly a wrapper.
std::shared_ptr<const SettingWrapper> read_wrapper(const FunctionSource& source);

// The calls of set_config() that a call of the wrapper makes; nullopt: the call has other arguments.
std::optional<SetConfigUse> unwrap(const SettingWrapper& wrapper, const PlainCall& call);

}  // namespace pgweir
