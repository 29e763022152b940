// Reads documents that others wrote: what is missing, or of another kind, reads as empty.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pgweir::doctor {

using Json = nlohmann::json;

const Json& at(const Json& object, std::string_view key);    // null
const Json& list(const Json& object, std::string_view key);  // an empty array
std::string text(const Json& object, std::string_view key);  // also of a number or boolean
std::int64_t number(const Json& object, std::string_view key, std::int64_t otherwise);  // also of a text
bool flag(const Json& object, std::string_view key);                                    // false

}  // namespace pgweir::doctor
