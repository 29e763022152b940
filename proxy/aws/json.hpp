// Reads JSON that comes from outside: nothing throws, and what is missing is empty.
// Pure functions: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pgweir::aws {

// Reads an object. nullopt: the text is not one; `error` is then a sentence that repeats nothing of it.
std::optional<nlohmann::json> parse_json(std::string_view text, std::string& error);

// The member of that name; null: there is none, or `object` is not an object.
const nlohmann::json* member(const nlohmann::json& object, const char* name);

// The text of the member of that name; empty: there is none.
std::string text_at(const nlohmann::json& object, const char* name);

}  // namespace pgweir::aws
