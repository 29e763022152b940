// Guesses what a misspelt word was meant to be.
#pragma once

#include <span>
#include <string_view>

namespace pgweir::config {

// The closest of `known` when it is close enough to be a slip; empty otherwise.
std::string_view suggest(std::string_view word, std::span<const std::string_view> known);

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace pgweir::config
