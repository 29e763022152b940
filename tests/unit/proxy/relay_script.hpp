// Scripts for the two paths of a session in one line, so that a test reads like a row of a protocol trace:
//
//   relay.run("> P(s,select 1) S < 1 n Z(I)");
//   relay.server()   what the server was sent since the last look
//   relay.client()   what the client was sent
//
// After '>' messages of the client: Q(text) P(name,text) B(name) Ds(name) Dp E C(name) S H d c. After '<' those of
// the server: 1 2 3 n t C(tag) D(value,...) E(code,message) S(name,value) Z(status), and T. Names of our own, which
// nobody can guess, are #1, #2 in the order in which they are met. A script stops at a message that has to wait:
// held() tells, with a mark of exclamation where it was refused for good.
//
// No socket: a worker that is never started lends its buffers, and the backend is connected to nothing.
#pragma once

#include <catch2/catch.hpp>
#include <cctype>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/login/snapshot.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/reply/reply_path.hpp"
#include "proxy/request/request_path.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir::test {

// What a session uses of its pool, without any backend or mutex.
class CommonsOnly final : public PoolCommons {
 public:
  explicit CommonsOnly(const Workers& workers) : PoolCommons(workers, "app", "app") {
    use_schema(std::make_shared<SchemaVersion>());
  }
};

class RelayScript {
 public:
  explicit RelayScript(config::Settings settings = {})
      : workers_(one_worker(std::move(settings))),
        pool_(std::make_shared<CommonsOnly>(*workers_)),
        exchange(worker(), replies, worker().shared().no_settings),
        replies(exchange),
        requests(exchange) {
    exchange.commons = pool_.get();
    exchange.client.greeted = true;
    know_all_code();
    lend();
  }
  virtual ~RelayScript() = default;
  RelayScript(const RelayScript&) = delete;
  RelayScript& operator=(const RelayScript&) = delete;

  PoolCommons& pool() { return *pool_; }
  Worker& worker() { return *workers_->list[0]; }
  Backend& backend() { return *backend_; }

  // A backend as it comes from a fresh login.
  void lend() {
    backend_ = std::make_shared<Backend>(100);
    backend_->applied = backend_->parameters = worker().shared().no_settings;
    exchange.backend = backend_.get();
    exchange.forwarded = false;
  }
  // The database has no trigger, view or function that does anything to a session.
  void know_all_code() {
    exchange.commons->code().triggers().learn({});
    exchange.commons->code().definitions().learn({});
  }

  void run(std::string_view script) {
    bool from_server = false;
    for (std::size_t at = 0; at < script.size();) {
      const std::string word = next_word(script, at);
      if (word == ">" || word == "<") {
        from_server = word == "<";
      } else if (!word.empty() && from_server) {
        feed_reply(bytes_of_reply(word));
      } else if (!word.empty()) {
        feed_request(word, bytes_of_request(word));
      }
    }
  }

  virtual std::string server() { return taken(worker().to_server(), frontend_rule); }
  virtual std::string client() { return taken(worker().to_client(), backend_rule); }
  // Messages arrive in pieces of one byte.
  bool byte_by_byte = false;
  // What had to wait, which is forgotten.
  std::string held() { return std::exchange(held_, {}); }

  static ByteView view(const std::string& text) {
    return {reinterpret_cast<const Byte*>(text.data()), text.size()};
  }

 protected:
  // Of one word of a script.
  static ByteBuffer reply(const std::string& word) { return bytes_of_reply(word); }

  Workers& workers() { return *workers_; }

  virtual void feed_request(const std::string& word, ByteBuffer bytes) {
    if (!held_.empty()) return;
    feed(client_framer_, std::move(bytes), [&](const Piece& piece) {
      const RequestDisposition disposition = requests.take(piece);
      if (disposition != RequestDisposition::taken)
        held_ = word + (disposition == RequestDisposition::hold ? "" : "!");
    });
  }
  virtual void feed_reply(ByteBuffer bytes) {
    feed(backend().framer, std::move(bytes),
         [&](const Piece& piece) { CHECK(replies.take(piece) == ReplyPath::Disposition::taken); });
  }

  // Whole messages of a client (frontend_rule) or of a server.
  std::string text_of(ByteView input, const LengthRules& rule) {
    Framer framer(rule);
    std::string text;
    for (Piece piece; framer.next(input, piece) == FrameStatus::piece;)
      text += (text.empty() ? "" : " ") +
              (&rule == &frontend_rule ? text_of_request(piece) : text_of_reply(piece));
    CHECK(input.empty());
    return text;
  }

 private:
  using Words = std::vector<std::string>;

  static std::unique_ptr<Workers> one_worker(config::Settings settings) {
    auto workers = std::make_unique<Workers>();
    const SnapshotRef snapshot =
        make_snapshot(std::make_shared<const config::Settings>(std::move(settings)), nullptr);
    workers->list.push_back(std::make_unique<Worker>(0, workers->shared, snapshot));
    return workers;
  }

  // Up to a blank outside of parentheses.
  static std::string next_word(std::string_view script, std::size_t& at) {
    while (at < script.size() && script[at] == ' ') ++at;
    const std::size_t begin = at;
    for (int depth = 0; at < script.size() && (depth > 0 || script[at] != ' '); ++at) {
      if (script[at] == '(') ++depth;
      if (script[at] == ')') --depth;
    }
    return std::string(script.substr(begin, at - begin));
  }
  // "P(s,select 1)" is P, s and "select 1"; only the first comma counts where a text follows.
  static Words parts_of(const std::string& word, std::size_t most) {
    const std::size_t open = word.find('(');
    Words parts{word.substr(0, open)};
    if (open == std::string::npos) return parts;
    std::string rest = word.substr(open + 1, word.size() - open - 2);
    while (parts.size() < most) {
      const std::size_t comma = rest.find(',');
      if (comma == std::string::npos) break;
      parts.push_back(rest.substr(0, comma));
      rest.erase(0, comma + 1);
    }
    parts.push_back(rest);
    return parts;
  }

  static ByteBuffer bytes_of_request(const std::string& word) {
    const Words parts = parts_of(word, word[0] == 'P' ? 2 : 1);
    const std::string name = parts.size() > 1 ? parts[1] : std::string();
    ByteBuffer out;
    if (parts[0] == "Q") write_query(out, name);
    if (parts[0] == "P") write_parse(out, name, parts.at(2), no_parameter_types);
    if (parts[0] == "B") write_bind(out, {}, name);
    if (parts[0] == "Ds") write_describe_statement(out, name);
    if (parts[0] == "Dp") Writer(out).begin_message('D').raw(ByteView{}).cstring("P").end_message();
    if (parts[0] == "E") write_execute(out, {});
    if (parts[0] == "C") write_close_statement(out, name);
    if (parts[0] == "S") write_sync(out);
    if (parts[0] == "H") write_flush(out);
    if (parts[0] == "d") Writer(out).begin_message('d').cstring("row").end_message();
    if (parts[0] == "c") Writer(out).begin_message('c').end_message();
    if (parts[0] == "X") write_terminate(out);
    INFO(word);
    REQUIRE_FALSE(out.empty());
    return out;
  }

  static ByteBuffer bytes_of_reply(const std::string& word) {
    const Words parts = parts_of(word, 8);
    ByteBuffer out;
    Writer writer(out);
    const char type = word[0];
    if (type == 'Z') {
      write_ready_for_query(out, parts.at(1)[0]);
    } else if (type == 'S') {
      write_parameter_status(out, parts.at(1), parts.at(2));
    } else if (type == 'C') {
      writer.begin_message('C').cstring(parts.at(1)).end_message();
    } else if (type == 'E') {
      ErrorFields fields;
      fields.severity = "ERROR";
      fields.code = parts.at(1);
      fields.message = parts.at(2);
      if (parts.size() > 3) fields.routine = parts[3];
      write_error_response(out, fields);
    } else if (type == 't') {
      writer.begin_message('t').u16(0).end_message();
    } else if (type == 'T') {
      writer.begin_message('T')
          .u16(1)
          .cstring(parts.at(1))
          .u32(0)
          .u16(0)
          .u32(static_cast<std::uint32_t>(std::stoul(parts.at(2))))
          .u16(4);
      writer.u32(0xFFFFFFFF).u16(0).end_message();
    } else if (type == 'D') {
      writer.begin_message('D').u16(static_cast<std::uint16_t>(parts.size() - 1));
      for (std::size_t i = 1; i < parts.size(); ++i)
        writer.u32(static_cast<std::uint32_t>(parts[i].size())).raw(view(parts[i]));
      writer.end_message();
    } else if (type == 'G') {
      writer.begin_message('G').raw(ByteBuffer{0, 0, 0}).end_message();
    } else {
      writer.begin_message(type).end_message();
    }
    return out;
  }

  // Shows the framer all at once, or one byte more each time.
  template <class Take>
  void feed(Framer& framer, ByteBuffer bytes, Take take) {
    const ByteView all = sent_.emplace_back(std::move(bytes));
    std::size_t used = 0;
    for (std::size_t end = byte_by_byte ? 1 : all.size(); end <= all.size(); ++end) {
      ByteView input = all.subspan(used, end - used);
      for (Piece piece; framer.next(input, piece) == FrameStatus::piece;) take(piece);
      used = end - input.size();
    }
    CHECK(used == all.size());
  }

  std::string taken(Outgoing& out, const LengthRules& rule) {
    const ByteBuffer bytes = out.bytes();
    out.clear();
    return text_of(bytes, rule);
  }

  std::string text_of_request(const Piece& piece) {
    QueryView query;
    ParseView parse;
    BindView bind;
    TargetView target;
    switch (piece.type) {
      case 'Q':
        return parse_query(piece.body(), query) == Errc::ok ? "Q(" + shown(query.text) + ')' : "Q?";
      case 'P':
        if (parse_parse(piece.body(), parse) != Errc::ok) return "P?";
        return "P(" + shown(parse.name) + ',' + shown(parse.text) + ')';
      case 'B':
        return parse_bind(piece.body(), bind) == Errc::ok ? "B(" + shown(bind.statement) + ')' : "B?";
      case 'D':
      case 'C':
        if (parse_target(piece.body(), target) != Errc::ok) return "?";
        return std::string(1, piece.type) + (target.kind == 'S' ? "s(" : "p(") + shown(target.name) + ')';
      default:
        return std::string(1, piece.type);
    }
  }
  std::string text_of_reply(const Piece& piece) {
    ErrorView error;
    ParameterStatusView parameter;
    std::string_view tag;
    switch (piece.type) {
      case 'Z':
        return std::string("Z(") + static_cast<char>(piece.body()[0]) + ')';
      case 'C':
        return parse_command_tag(piece.body(), tag) == Errc::ok ? "C(" + std::string(tag) + ')' : "C?";
      case 'S':
        if (parse_parameter_status(piece.body(), parameter) != Errc::ok) return "S?";
        return "S(" + std::string(parameter.name) + ',' + std::string(parameter.value) + ')';
      case 'E':
      case 'N':
        if (ErrorView::parse(piece.body(), error) != Errc::ok) return "E?";
        return std::string(1, piece.type) + '(' + std::string(error.code()) + ')';
      default:
        return std::string(1, piece.type);
    }
  }
  // Names of our own, which nobody can guess, are #1, #2 in the order in which they are met.
  std::string shown(std::string_view text) {
    std::string out(text);
    for (std::size_t at = 0; (at = out.find("__pgweir_", at)) != std::string::npos;) {
      std::size_t end = at;
      while (end < out.size() && (std::isalnum(static_cast<unsigned char>(out[end])) != 0 || out[end] == '_'))
        ++end;
      const auto [it, is_new] =
          names_.emplace(out.substr(at, end - at), '#' + std::to_string(names_.size() + 1));
      out.replace(at, end - at, it->second);
    }
    return out;
  }

  std::unique_ptr<Workers> workers_;
  std::shared_ptr<CommonsOnly> pool_;
  std::shared_ptr<Backend> backend_;
  Framer client_framer_{frontend_rule};
  std::string held_;
  std::deque<ByteBuffer> sent_;  // views of it may still be in the buffers
  std::map<std::string, std::string> names_;

 public:
  Exchange exchange;
  ReplyPath replies;
  RequestPath requests;
};

}  // namespace pgweir::test
