#include "protocol/framer.hpp"

#include <algorithm>

namespace pgweir {
namespace {

// A message that is too short or too long for its fields, but within the server's limit for its type, is for
// the server to refuse: it answers with an error and the connection lives. Flush is an exception, as no
// answer to it is expected.
constexpr LengthRule empty{0, 0, 0};
constexpr LengthRule small{0, small_body_max, small_body_max};
constexpr LengthRule large{0, large_body_max, query_whole_body_max};
constexpr LengthRule parse{0, parse_body_max, parse_body_max};
constexpr LengthRule copy_data{0, large_body_max, 0};

constexpr LengthRule server_whole{0, server_whole_body_max, server_whole_body_max};
constexpr LengthRule server_streamed{0, server_body_max, whole_body_max};
constexpr LengthRule server_rows{0, server_body_max, 0};
constexpr LengthRule server_status{1, 1, 1};

constexpr const LengthRule* rule_of_frontend(char type) {
  switch (static_cast<FrontendType>(type)) {
    case FrontendType::Query:
    case FrontendType::Bind:
    case FrontendType::FunctionCall:
      return &large;
    case FrontendType::Parse:
      return &parse;
    case FrontendType::Execute:
    case FrontendType::Describe:
    case FrontendType::Close:
    case FrontendType::CopyDone:
    case FrontendType::CopyFail:
    case FrontendType::Sync:
    case FrontendType::Terminate:
      return &small;
    case FrontendType::Flush:
      return &empty;
    case FrontendType::CopyData:
      return &copy_data;
    case FrontendType::PasswordMessage:
      return nullptr;
  }
  return nullptr;
}

constexpr const LengthRule* rule_of_backend(char type) {
  switch (static_cast<BackendType>(type)) {
    case BackendType::DataRow:
    case BackendType::CopyData:
      return &server_rows;
    case BackendType::RowDescription:
    case BackendType::ParameterDescription:
    case BackendType::ErrorResponse:
    case BackendType::NoticeResponse:
    case BackendType::FunctionCallResponse:
      return &server_streamed;
    case BackendType::ReadyForQuery:
      return &server_status;
    case BackendType::BindComplete:
    case BackendType::CloseComplete:
    case BackendType::ParseComplete:
    case BackendType::CopyDone:
    case BackendType::EmptyQueryResponse:
    case BackendType::NoData:
    case BackendType::PortalSuspended:
      return &empty;
    case BackendType::CommandComplete:
    case BackendType::CopyInResponse:
    case BackendType::CopyOutResponse:
    case BackendType::CopyBothResponse:
    case BackendType::ParameterStatus:
    case BackendType::NotificationResponse:
    case BackendType::Authentication:
    case BackendType::BackendKeyData:
    case BackendType::NegotiateProtocolVersion:
      return &server_whole;
  }
  return nullptr;
}

}  // namespace

constinit const LengthRules frontend_rule{rule_of_frontend};
constinit const LengthRules backend_rule{rule_of_backend};

FrameStatus Framer::fail(Errc e) {
  errc_ = e;
  return FrameStatus::error;
}

FrameStatus Framer::next(ByteView& input, Piece& out) {
  if (errc_ != Errc::ok) return FrameStatus::error;
  if (streaming_left_ > 0) return continue_stream(input, out);
  if (input.empty()) return FrameStatus::need_more;
  // A wrong type is refused at its first byte: the four that follow may never come.
  const char type = static_cast<char>(input[0]);
  const LengthRule* rule = (*rule_of_)(type);
  if (rule == nullptr) return fail(Errc::unknown_message);
  if (input.size() < message_header_size) return FrameStatus::need_more;

  // A length that does not even count itself becomes a size that is above every limit.
  const std::uint32_t body_size = load_u32(input.data() + 1) - std::uint32_t{message_length_size};
  if (body_size < rule->body_min || body_size > rule->body_max) {
    const bool is_above_our_own = rule == &parse && body_size <= large_body_max;
    return fail(is_above_our_own ? Errc::too_large : Errc::length_out_of_range);
  }

  const std::size_t total = message_header_size + body_size;
  const std::size_t wanted = message_header_size + std::min(body_size, rule->whole_max);
  if (input.size() < wanted) return FrameStatus::need_more;

  const std::size_t taken = std::min(input.size(), total);
  out = {type, true, taken == total, body_size, input.first(taken)};
  input = input.subspan(taken);
  streaming_left_ = total - taken;
  streaming_type_ = type;
  streaming_body_ = body_size;
  return FrameStatus::piece;
}

FrameStatus Framer::continue_stream(ByteView& input, Piece& out) {
  if (input.empty()) return FrameStatus::need_more;
  const std::size_t taken = std::min(input.size(), streaming_left_);
  streaming_left_ -= taken;
  out = {streaming_type_, false, streaming_left_ == 0, streaming_body_, input.first(taken)};
  input = input.subspan(taken);
  return FrameStatus::piece;
}

}  // namespace pgweir
