#include "proxy/session/hub_side.hpp"

#include <algorithm>

#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "proxy/listen/listen_hub.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

constexpr std::size_t ready_size = message_header_size + 1;

bool may_be_listen(const Piece& piece) {
  if (piece.type != static_cast<char>(FrontendType::Query) || !piece.whole() || piece.body().empty())
    return false;
  const std::string_view text = as_text(piece.body());
  const std::string_view start = text.substr(0, 2);
  return folded_equals(start, "li") || folded_equals(start, "un");
}

}  // namespace

void HubSide::take(const std::shared_ptr<const ByteBuffer>& message) {
  if (!x_.listen || x_.listen->hold(message)) return;
  if (trouble_ == Trouble::none) trouble_ = Trouble::deaf;
}

void HubSide::answered(ListenOutcome outcome) {
  if (!x_.listen) return;
  if (move_ == Move::no) {
    x_.listen->answered(outcome);
  } else {
    on_move(outcome);
  }
}

void HubSide::lost() {
  if (x_.listen) trouble_ = Trouble::lost;
}

void HubSide::end(Life& life) const {
  if (trouble_ == Trouble::lost)
    life.end(Reason::server_lost, "the connection that listens for this client was lost");
  if (trouble_ == Trouble::deaf) life.end(Reason::too_large, "the client does not take its notifications");
}

// A lone LISTEN or UNLISTEN of a client that has no backend, and needs none for it.
HubSide::Answer HubSide::answer_listen(const Piece& piece) {
  if (!may_be_listen(piece)) return Answer::no;
  QueryView query;
  if (parse_query(piece.body(), query) != Errc::ok || x_.client.is_opaque(query.text)) return Answer::no;
  const std::optional<ListenStep> step = parse_listen(query.text);
  // A name that is too long comes with a notice.
  if (!step || step->name_cut) return Answer::no;
  const bool changes = step->verb == ListenVerb::listen || (x_.listen && !x_.listen->is_unused());
  if (changes && !x_.begin_listening()) return Answer::no;
  switch (changes ? x_.listen->take_plain(*step) : ListenState::Plain::done) {
    case ListenState::Plain::wait:
      return Answer::wait;
    case ListenState::Plain::no:
      return Answer::no;
    case ListenState::Plain::done:
      break;
  }
  x_.statements.erase({});  // as every Query does
  ByteBuffer& out = x_.worker.to_client().own();
  const char* const tag = step->verb == ListenVerb::listen ? "LISTEN" : "UNLISTEN";
  Writer(out).begin_message(static_cast<char>(BackendType::CommandComplete)).cstring(tag).end_message();
  x_.worker.to_client().end_own();
  if (x_.listen) write_notifications(Exchange::all_notifications);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  x_.worker.to_client().end_own();
  PoolCounters& counters = x_.commons->counters(x_.worker);
  counters.queries.add();
  counters.answered_here.add();
  return Answer::answered;
}

// Whether a ReadyForQuery at the beginning of `input` has to wait.
bool HubSide::ready_has_to_wait(ByteView input) {
  if (input.size() < ready_size || input[0] != static_cast<Byte>(BackendType::ReadyForQuery) ||
      input[message_header_size] != static_cast<Byte>(TransactionStatus::idle) ||
      !x_.backend->framer.at_boundary())
    return false;
  const Expected* const oldest = x_.tracker.oldest();
  if (oldest == nullptr || oldest->fate != Fate::forward || x_.tracker.fencing() || x_.batch.stale)
    return false;
  if (must_move()) {
    if (move_ == Move::no && !x_.listen->is_asking()) begin_move();
    x_.listen->let_ready_wait();
    return true;
  }
  return !x_.listen->may_be_ready();
}

bool HubSide::must_move() {
  const auto it = x_.client.view->find("client_encoding");
  return x_.listen->listens() && it != x_.client.view->end() && it->second != x_.listen->encoding();
}

// Joins the new hub before it leaves the old one, so that nothing is missed.
void HubSide::begin_move() {
  const auto& channels = x_.listen->channels();
  const bool is_ascii = std::all_of(channels.begin(), channels.end(), [](const std::string& name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<Byte>(c) >= 0x80; });
  });
  // In another encoding, a name that is not ASCII would be other bytes.
  if (is_ascii) x_.next_hub = x_.pool->hub(x_.client.view->find("client_encoding")->second, x_.worker);
  if (!x_.next_hub) return lost();
  move_ = Move::joins;
  x_.next_hub->change(x_.subscriber(), {false, {}, {channels.begin(), channels.end()}});
}

void HubSide::on_move(ListenOutcome outcome) {
  if (outcome != ListenOutcome::done) return lost();
  if (std::exchange(move_, Move::leaves) == Move::joins) {
    x_.hub->change(x_.subscriber(), {true, {}, {}});
    return;
  }
  x_.hub->leave(x_.subscriber());
  x_.hub = std::move(x_.next_hub);
  x_.next_hub.reset();
  move_ = Move::no;
  x_.listen->moved(x_.client.view->find("client_encoding")->second);
}

}  // namespace pgweir
