// What IAM policy documents allow, as far as statements without conditions tell.
#pragma once

#include <string>
#include <vector>

#include "proxy/documents/json.hpp"

namespace pgweir::doctor {

// Whether `pattern`, in which * stands for anything and ? for one character, fits the whole text.
bool fits_pattern(std::string_view pattern, std::string_view text);

// Whether a statement allows the action and none denies it. Actions are compared without regard to case, as
// IAM does.
bool allows(const std::vector<Json>& documents, std::string_view action, std::string_view resource);

}  // namespace pgweir::doctor
