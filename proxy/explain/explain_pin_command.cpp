#include "proxy/explain/explain_pin_command.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "proxy/explain/explain_pin_render.hpp"

namespace pgweir {
namespace {

constexpr int exit_unreadable = 2;
// The most that is read from standard input.
constexpr std::size_t text_max = 16 * 1024 * 1024;

// nullopt: it cannot be read, or is too long.
std::optional<std::string> read_standard_input() {
  std::string text;
  std::array<char, 64 * 1024> piece{};
  while (text.size() <= text_max) {
    const ssize_t size = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (size == 0) return text;
    if (size > 0) {
      text.append(piece.data(), static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      break;
    }
  }
  return std::nullopt;
}

// See https://no-color.org.
bool wants_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return isatty(STDOUT_FILENO) == 1 && !refused && !dumb;
}

}  // namespace

int run_explain_pin(const ExplainPinOptions& options) {
  std::optional<std::string> text = options.sql;
  if (options.sql == "-") text = read_standard_input();
  if (!text) {
    std::cerr << "pgweir: standard input cannot be read, or is longer than " << text_max << " bytes\n";
    return exit_unreadable;
  }
  const Explanation explanation = explain_pin(*text, options.judgement);
  std::cout << (options.json ? explanation_as_json(explanation)
                             : explanation_as_text(explanation, wants_colour()));
  return 0;
}

}  // namespace pgweir
