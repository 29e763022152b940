#include "tests/simulation/model/model_harness.hpp"

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"

namespace pgweir::simulation {
namespace {

std::string columns_of(ByteView body) {
  DataRowReader reader(body);
  std::uint16_t count = 0;
  static_cast<void>(reader.begin(count));
  std::string text;
  for (std::uint16_t i = 0; i < count; ++i) {
    Column column;
    static_cast<void>(reader.next(column));
    text += (i == 0 ? "" : ",") + (column.is_null ? std::string("null") : std::string(as_text(column.value)));
  }
  return text;
}

std::string error_of(ByteView body) {
  ErrorView error;
  static_cast<void>(ErrorView::parse(body, error));
  const bool fatal = error.severity() == "FATAL";
  return (fatal ? "FATAL " : "") + std::string(error.code());
}

// The strings of a body, with `between` between them.
std::string strings_of(ByteView body, char between) {
  std::string text(as_text(body));
  if (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& c : text) c = c == '\0' ? between : c;
  return text;
}

std::string detail_of(char type, ByteView body) {
  switch (type) {
    case 'D':
      return columns_of(body);
    case 'E':
    case 'N':
      return error_of(body);
    case 'S':
      return strings_of(body, '=');
    case 'A':
      return strings_of(body.subspan(4), ',');
    case 'C':
    case 'Z':
    case 'd':
      return strings_of(body, ' ');
    default:
      return {};
  }
}

}  // namespace

std::string in_letters(ByteView messages) {
  std::string text;
  while (messages.size() >= message_header_size) {
    const std::size_t size = 1 + load_u32(messages.data() + 1);
    const char type = static_cast<char>(messages[0]);
    const std::string detail =
        detail_of(type, messages.subspan(message_header_size, size - message_header_size));
    text += (text.empty() ? "" : " ") + std::string(1, type) + (detail.empty() ? "" : '(' + detail + ')');
    messages = messages.subspan(size);
  }
  return text;
}

ModelClient::ModelClient(ModelCluster& cluster, Pid pid, const std::string& user)
    : session_(std::make_unique<ModelSession>(cluster, pid, pid + 1)) {
  session_->advance(now_);
  ByteBuffer bytes;
  write_startup_message(bytes, 0, user, "app", {});
  session_->receive(bytes);
  session_->take_output();
}

std::string ModelClient::query(std::string_view sql) {
  ByteBuffer bytes;
  write_query(bytes, sql);
  return send(bytes);
}

std::string ModelClient::send(ByteView bytes) {
  session_->receive(bytes);
  return in_letters(session_->take_output());
}

std::string ModelClient::hear() {
  return wait(std::chrono::milliseconds(0));
}

std::string ModelClient::wait(std::chrono::milliseconds time) {
  now_ += time;
  session_->advance(now_);
  return in_letters(session_->take_output());
}

}  // namespace pgweir::simulation
