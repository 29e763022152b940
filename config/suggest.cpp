#include "config/suggest.hpp"

#include <algorithm>
#include <vector>

namespace pgweir::config {

namespace {
// No key is longer than 23 bytes: a word that is far longer is not a slip, and costs no time.
constexpr std::size_t word_max = 48;
}  // namespace

// Optimal string alignment: Levenshtein's table with one more case, the swap, which looks two rows back.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> two_back(width);
  std::vector<std::size_t> previous(width);
  std::vector<std::size_t> row(width);
  for (std::size_t j = 0; j < width; ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t substitute = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_back[j - 2] + 1);
      }
    }
    two_back.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

std::string_view suggest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > word_max) return {};
  std::string_view best;
  std::size_t best_distance = 2 + word.size() / 4;  // one slip in every four letters, and one more
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best_distance || distance >= candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace pgweir::config
