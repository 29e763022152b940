#include "proxy/backend/role_question.hpp"

#include <cstdlib>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

RoleAnswer answer_of(std::string_view login_user, std::string_view name, std::string_view can_login,
                     const Column& left) {
  // The role was renamed, so that the old name cannot log in. Names that are not ASCII may come in another
  // encoding.
  const bool renamed = is_ascii(login_user) && is_ascii(name) && name != login_user;
  if (renamed) return {RoleAnswer::Kind::gone};
  if (can_login != "t") return {RoleAnswer::Kind::no_login};
  RoleAnswer answer{RoleAnswer::Kind::may};
  if (!left.is_null) answer.seconds_left = std::strtod(std::string(as_text(left.value)).c_str(), nullptr);
  return answer;
}

}  // namespace

RoleReply::Step RoleReply::take(const Piece& piece) {
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::RowDescription:
    case BackendType::CommandComplete:
    case BackendType::NoticeResponse:
    case BackendType::NotificationResponse:
      return Step::go_on;
    case BackendType::DataRow:
      // What was sent before the question returns rows, too: those of set_config.
      return left_ == 1 ? take_row(piece) : Step::go_on;
    case BackendType::ErrorResponse:
      return take_error(piece);
    case BackendType::ReadyForQuery:
      return take_end(piece);
    default:
      return Step::broken;
  }
}

RoleReply::Step RoleReply::take_row(const Piece& piece) {
  constexpr std::size_t row_max = 1'024;
  const ByteView body = piece.body();
  if (has_row_ || row_.size() + body.size() > row_max) return Step::broken;
  row_.insert(row_.end(), body.begin(), body.end());
  if (!piece.last) return Step::go_on;
  DataRowReader row(row_);
  std::uint16_t columns = 0;
  Column name;
  Column can_login;
  Column left;
  const bool read = row.begin(columns) == Errc::ok && columns == 3 && row.next(name) == Errc::ok &&
                    row.next(can_login) == Errc::ok && row.next(left) == Errc::ok;
  if (!read) return Step::broken;
  has_row_ = true;
  answer_ = answer_of(login_user_, as_text(name.value), as_text(can_login.value), left);
  return Step::go_on;
}

// If the settings could not be reset, they would stay for the backend's next client.
RoleReply::Step RoleReply::take_error(const Piece& piece) {
  ErrorView error;
  if (left_ > 1 || !piece.whole() || ErrorView::parse(piece.body(), error) != Errc::ok) return Step::broken;
  failed_ = true;
  // session_user of a dropped role ends with this error (miscinit.c, GetUserNameFromId).
  answer_ = {error.code() == sqlstate::undefined_object ? RoleAnswer::Kind::gone : RoleAnswer::Kind::unknown};
  return Step::go_on;
}

RoleReply::Step RoleReply::take_end(const Piece& piece) {
  TransactionStatus status{};
  if (parse_ready_for_query(piece.body(), status) != Errc::ok || status != TransactionStatus::idle)
    return Step::broken;
  if (--left_ > 0) return Step::go_on;
  if (!has_row_ && !failed_) answer_ = {RoleAnswer::Kind::gone};
  return Step::done;
}

}  // namespace pgweir
