// Reading JSON that somebody else has sent: nothing throws, and what is not there is empty.
// Pure functions: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pgweir::aws {

// An object. nullopt: it is none, with `error` a sentence that repeats nothing of the text.
std::optional<nlohmann::json> parse_json(std::string_view text, std::string& error);

// The member of that name; null: there is none, or `object` is no object.
const nlohmann::json* member(const nlohmann::json& object, const char* name);

// The same where it is a text; empty: there is none.
std::string text_at(const nlohmann::json& object, const char* name);

}  // namespace pgweir::aws
