#include "bench/failure.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/error.hpp>

#include "protocol/error_response.hpp"

namespace pgweir::bench {
namespace {

// A peer's text is printed on a terminal: control characters must not get there, nor a message without end.
std::string printable(std::string_view text) {
  constexpr std::size_t text_max = 200;
  std::string out(text.substr(0, text_max));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  if (text.size() > text_max) out += "...";
  return out;
}

}  // namespace

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::connecting:
      return "connecting";
    case Stage::logging_in:
      return "logging in";
    case Stage::querying:
      return "querying";
    case Stage::idle:
      return "idle";
    case Stage::thawing:
      return "thawing";
  }
  return "unknown";
}

Failure failure_from_error_response(ByteView body, Stage stage) {
  ErrorView error;
  if (ErrorView::parse(body, error) != Errc::ok)
    return {"PROTOCOL", "an ErrorResponse that cannot be read", stage};
  // A server may leave any field out.
  return {error.code().empty() ? "NO SQLSTATE" : printable(error.code()), printable(error.message()), stage};
}

Failure failure_from_system(const boost::system::error_code& error, Stage stage) {
  if (error == boost::asio::error::eof) return {"EOF", "the server closed the connection", stage};
  const char* name =
      error.category() == boost::system::system_category() ? strerrorname_np(error.value()) : nullptr;
  return {name ? name : "SYSTEM", printable(error.message()), stage};
}

void FailureTable::add(const Failure& failure) {
  std::string key = failure.code + '\0' + failure.text + '\0' + std::string(to_string(failure.stage));
  auto found = groups_.find(key);
  if (found == groups_.end() && groups_.size() >= groups_max) {
    found = groups_.try_emplace(failure.code).first;
    found->second.failure = {failure.code, "(other messages)", failure.stage};
  } else if (found == groups_.end()) {
    found = groups_.try_emplace(std::move(key)).first;
    found->second.failure = failure;
  }
  ++found->second.count;
}

std::vector<FailureCount> FailureTable::sorted() const {
  std::vector<FailureCount> out;
  out.reserve(groups_.size());
  for (const auto& [key, group] : groups_) out.push_back(group);
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

}  // namespace pgweir::bench
