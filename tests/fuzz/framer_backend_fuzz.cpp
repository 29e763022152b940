// What a hostile server sends: cutting it into messages, reading them, and showing them to a tracker that
// expects something.
#include "protocol/backend.hpp"
#include "protocol/response_tracker.hpp"
#include "tests/fuzz/framer_check.hpp"

namespace {

using namespace pgweir;
using fuzz::require;

class Silent final : public ReplySink {
  void ended(const Expected&, Outcome) override {}
  void inject(const Expected&) override {}
};

void inside(ByteView part, ByteView whole) {
  require(part.empty() ||
          (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()));
}

void read_body(ByteView body) {
  ParameterStatusView parameter;
  if (parse_parameter_status(body, parameter) == Errc::ok) {
    require(parameter.name.size() + parameter.value.size() + 2 == body.size());
  }
  std::string_view tag;
  if (parse_command_tag(body, tag) == Errc::ok) require(tag.size() + 1 == body.size());
  DataRowReader row(body);
  std::uint16_t columns = 0;
  if (row.begin(columns) != Errc::ok) return;
  Column column;
  for (unsigned i = 0; i < columns && row.next(column) == Errc::ok; ++i) {
    inside(column.value, body);
    require(!column.is_null || column.value.empty());
  }
}

void expect_everything(ResponseTracker& tracker, ReplySink& sink) {
  for (const Reply reply : {Reply::query, Reply::parse, Reply::bind, Reply::describe_portal, Reply::execute,
                            Reply::sync, Reply::copy_end, Reply::close, Reply::describe_statement,
                            Reply::sync, Reply::function_call, Reply::query, Reply::sync}) {
    tracker.expect({.reply = reply, .may_copy = reply == Reply::query || reply == Reply::execute}, sink);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Silent sink;
  ResponseTracker tracker;
  expect_everything(tracker, sink);
  bool violated = false;
  fuzz::check_framing(backend_rule, ByteView(data, size), [&](const Piece& piece) {
    if (piece.whole()) read_body(piece.body());
    auto status = TransactionStatus::idle;
    if (piece.type == 'Z' && parse_ready_for_query(piece.body(), status) != Errc::ok) return;
    if (!piece.first || violated) return;
    violated = tracker.receive(piece.type, status, sink) == ResponseTracker::Verdict::protocol_violation;
    if (tracker.needs_fence()) tracker.begin_fence();
    require(!tracker.settled() || tracker.outstanding() == 0);
  });
  return 0;
}
