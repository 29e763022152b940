// The first part of a session: who is it, may it, and what is it told.

#include <string.h>

#include "config/pass_through.hpp"
#include "protocol/proxy_header.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/login/access.hpp"
#include "proxy/login/login_failures.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/session/session_list.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Its value is known without asking the server, which would have to be asked for each new name otherwise.
constexpr std::string_view application_name = "application_name";

// What may have been a password. An empty buffer has no address to be told.
void wipe(std::span<Byte> bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

// PostgreSQL replaces what is not printable ASCII in an application_name (pg_clean_ascii).
std::string clean_ascii(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c < ' ' || c > '~') c = '?';
  }
  return clean;
}

}  // namespace

Task<bool> Session::login() {
  const std::vector<config::Network>& balancers = worker_.snapshot().settings->listen.proxy_sources;
  if (!balancers.empty() && is_in(balancers, address_of(peer_))) {
    const bool introduced = co_await read_proxy_header();
    if (!introduced) co_return false;
  }
  const bool by_rules = worker_.snapshot().settings->access.has_value();
  ClientLogin login(worker_.snapshot_ref(), by_rules ? address_of(peer_) : std::nullopt);
  bool counted = false;
  for (;;) {
    if (expired_ || (drain_ && login.startup().user.empty())) {
      end(expired_.value_or(Reason::draining));
      co_return false;
    }
    ByteView input = client_carry_;
    ByteBuffer reply;
    ClientLogin::Step step = login.feed(input, reply);
    drop_login_bytes(client_carry_.size() - input.size());
    if (step == ClientLogin::Step::prove_password) step = co_await prove_password(login);
    if (step == ClientLogin::Step::check_secret || step == ClientLogin::Step::check_token)
      step = co_await check_with_aws(login, step, reply);
    if (step == ClientLogin::Step::authenticated) step = co_await check_role(login, reply);
    if (phase_ == Phase::closing) co_return false;
    worker_.to_client().own().insert(worker_.to_client().own().end(), reply.begin(), reply.end());
    worker_.to_client().end_own();
    // The last word of the authentication goes out with the welcome.
    if (step != ClientLogin::Step::authenticated) flush();
    if (phase_ == Phase::closing) co_return false;
    if (!counted && !login.startup().user.empty()) {
      counted = true;
      const std::size_t more = is_console(login.startup().database) ? ConsoleSession::reserve : 0;
      if (context_.sessions.count() > worker_.snapshot().settings->listen.max_clients + more) {
        end(Reason::too_many_clients);
        co_return false;
      }
    }
    if (step == ClientLogin::Step::send) continue;
    if (step == ClientLogin::Step::start_tls) {
      const bool secured = co_await start_tls(login);
      if (!secured) co_return false;
      continue;
    }
    if (step == ClientLogin::Step::cancel) {
      forward_cancel(login.cancel_request());
      co_return false;
    }
    if (step == ClientLogin::Step::refused) {
      if (login.reason() == Reason::authentication_failed) co_await hold_failure(login.startup().user);
      end(login.reason(), login.message(), login.sqlstate());
      co_return false;
    }
    if (step == ClientLogin::Step::authenticated) break;
    if (!read_login_bytes()) {
      if (phase_ == Phase::closing) co_return false;
      co_await waker_.wait();
    }
  }
  if (is_console(login.startup().database)) co_return enter_console(login);
  if (!admit(login)) co_return false;
  const std::uint64_t epoch = pool_->logins().epoch();
  if (const std::optional<Greeting> known = pool_->logins().greeting(login.settings())) {
    exchange_.startup = exchange_.desired = known->startup;
    exchange_.use_view(known->parameters);
  } else {
    keep_startup(login.settings());
    if (MapRef parameters = known_parameters()) {
      exchange_.use_view(std::move(parameters));
    } else {
      const bool learned = co_await learn_parameters(epoch);
      if (!learned) co_return false;
    }
    pool_->logins().remember(epoch, login.settings(), {exchange_.startup, exchange_.view});
  }
  welcome(login);
  co_return true;
}

// Whoever guesses passwords gets few answers.
Task<> Session::hold_failure(const std::string& user) {
  const std::chrono::milliseconds most = worker_.snapshot().settings->timeouts.failed_login;
  const auto delay = context_.login_failures.note(user, address_of(peer_), worker_.now(), most);
  closes_at_ = worker_.now() + delay;
  while (worker_.now() < closes_at_ && !expired_ && !drain_ && !client_.hung_up()) co_await waker_.wait();
}

// What the load balancer says about the client, in front of the client's own words. Whoever else sends such a
// header finds it refused as a startup packet.
Task<bool> Session::read_proxy_header() {
  ProxyHeader header;
  for (;;) {
    std::size_t size = 0;
    const Errc error = parse_proxy_header(client_carry_, header, size);
    if (error != Errc::ok) {
      end(Reason::bad_startup, "expected a header of the PROXY protocol, version 2");
      co_return false;
    }
    if (size > 0) {
      client_carry_.erase(client_carry_.begin(), client_carry_.begin() + static_cast<std::ptrdiff_t>(size));
      break;
    }
    if (expired_ || drain_) co_return end(expired_.value_or(Reason::draining)), false;
    if (!read_login_bytes()) {
      if (phase_ == Phase::closing) co_return false;
      co_await waker_.wait();
    }
  }
  if (!header.address.empty())
    peer_ = config::text_of_address(header.address) + ':' + std::to_string(header.port);
  co_return true;
}

// What has been read of a direct handshake goes into it. Its deadline is kept by overdue().
Task<bool> Session::start_tls(ClientLogin& login) {
  const bool shaken = co_await shake_hands(login);
  // Without the protocol's name it may be meant for another service, with a client that was lured here.
  const bool named = shaken && (!login.is_direct() || client_.tls()->alpn_chosen());
  (named ? worker_.counters().tls_handshakes : worker_.counters().tls_failures).add();
  if (shaken && !named) end(Reason::tls_failed, "direct TLS without the protocol's name by ALPN");
  if (named) login.tls_started(client_.tls()->peer_common_name());
  co_return named;
}

Task<bool> Session::shake_hands(ClientLogin& login) {
  std::unique_ptr<TlsStream> stream =
      TlsStream::accept(*login.tls(), client_.fd(), std::exchange(client_carry_, {}));
  if (!stream) co_return end(Reason::internal_error), false;
  client_.start_tls(std::move(stream));
  HandshakeTurns::Place place(worker_.handshake_turns(), waker_);
  bool wants_write = false;
  bool has_bytes = login.is_direct();
  for (;;) {
    if (expired_ || drain_) co_return end(expired_.value_or(Reason::draining)), false;
    const bool ready = wants_write ? client_.writable() : has_bytes || client_.readable();
    if (!ready || !place.take(worker_.now())) {
      co_await waker_.wait();
      continue;
    }
    has_bytes = false;
    const TimePoint began = Clock::now();
    const TlsStream::Handshake step = client_.handshake();
    place.step_ended(began, Clock::now());
    if (step == TlsStream::Handshake::done) co_return true;
    if (step == TlsStream::Handshake::failed)
      co_return end(Reason::tls_failed, client_.tls()->failure()), false;
    wants_write = step == TlsStream::Handshake::wants_write;
  }
}

// False: nothing has arrived, or the client is gone.
bool Session::read_login_bytes() {
  if (!to_client_backlog_.empty() && !to_client_backlog_.flush(client_))
    return end(Reason::client_lost), false;
  if (!client_.readable()) return false;
  const IoResult result = client_.read(worker_.scratch());
  if (result.status == IoStatus::would_block) return false;
  if (result.status != IoStatus::ok) {
    end(result.status == IoStatus::closed ? Reason::client_closed : Reason::client_lost);
    return false;
  }
  const std::span<Byte> fresh = worker_.scratch().first(result.size);
  // One packet of the greatest size and the beginning of the next are all that a login needs.
  if (client_carry_.size() + fresh.size() > 2 * authentication_message_max) {
    end(Reason::protocol_violation, "too much data before authentication");
    return false;
  }
  ByteBuffer joined;
  joined.reserve(client_carry_.size() + fresh.size());
  joined.insert(joined.end(), client_carry_.begin(), client_carry_.end());
  joined.insert(joined.end(), fresh.begin(), fresh.end());
  wipe(fresh);
  client_carry_.swap(joined);
  wipe(joined);
  return true;
}

// There may be a password in them, of which no copy is to stay in memory that is used again.
void Session::drop_login_bytes(std::size_t count) {
  if (count == 0) return;
  ByteBuffer rest(client_carry_.begin() + static_cast<std::ptrdiff_t>(count), client_carry_.end());
  client_carry_.swap(rest);
  wipe(rest);
}

bool Session::admit(const ClientLogin& login) {
  const Snapshot& snapshot = worker_.snapshot();
  const StartupMessage& startup = login.startup();
  const config::Database* database = snapshot.settings->find_database(startup.database);
  const config::User* user = snapshot.settings->find_user(startup.user);
  if (database == nullptr) {
    return end(Reason::no_such_database, "database \"" + startup.database + "\" does not exist"), false;
  }
  // A reload may have turned the one into the other since it has begun.
  const bool is_listed = !login.judged_by_server() && user != nullptr && may_use(*database, user->name);
  const bool passes = login.judged_by_server() &&
                      config::pass_through_of(*snapshot.settings, startup.database, startup.user) != nullptr;
  if (!is_listed && !passes) {
    return end(Reason::not_allowed, "permission denied for database \"" + startup.database + "\""), false;
  }
  if (drain_) return end(Reason::draining), false;
  if (context_.pools.is_disabled(startup.database)) {
    return end(Reason::database_disabled, "database \"" + startup.database + "\" is disabled"), false;
  }
  pool_ = is_listed ? context_.pools.get(snapshot, *database, startup.database, *user)
                    : context_.pools.find(startup.database, startup.user);
  if (pool_ && passes && !pool_->passes_through()) pool_.reset();
  if (!pool_ && passes) return end(Reason::draining, "the configuration has changed"), false;
  if (!pool_) return end(Reason::too_many_clients, "too many pools"), false;
  if (is_listed && !user->scram_verifier.empty() && login.scram() != nullptr) {
    const ScramVerifier& verifier = login.scram()->verifier();
    pool_->scram_keys()->store({}, verifier.salt, verifier.iterations, login.scram()->keys());
  }
  pool_->counters(worker_).clients.add();
  pool_->counters(worker_).logged_in.add();
  exchange_.pool = pool_.get();
  const std::shared_ptr<const config::Pool> settings = pool_->settings();
  if (settings->mode == config::PoolMode::session) exchange_.pins.insert(Pin::session_mode);
  exchange_.judgement = {settings->state == config::StateTracking::strict, settings->trust_triggers};
  audit_every_ = settings->audit_every;
  if (settings->sequence_values == config::SequenceValues::pin) pool_->code().learn_sequence_use();
  return true;
}

// A setting that every fresh backend has anyway is nobody's in particular: it need not be applied.
void Session::keep_startup(const SettingMap& settings) {
  SettingMap own = settings;
  if (const MapRef baseline = pool_->logins().baseline()) {
    for (const auto& [name, value] : *baseline) {
      const auto it = own.find(ascii_lower(name));
      if (it != own.end() && it->second == value) own.erase(it);
    }
  }
  exchange_.startup = exchange_.desired = worker_.interner().intern(std::move(own));
}

// What a client with these startup settings is told; null when this combination was not seen yet.
MapRef Session::known_parameters() const {
  SettingMap key = *exchange_.startup;
  key.erase(std::string(application_name));
  const MapRef startup = worker_.interner().intern(std::move(key));
  const MapRef parameters = pool_->logins().parameters(startup, pool_->all_lent());
  if (!parameters) return nullptr;
  return with_application_name(*parameters);
}

MapRef Session::with_application_name(SettingMap parameters) const {
  std::string shown;  // the default, unless it has brought one
  if (const auto given = exchange_.startup->find(application_name); given != exchange_.startup->end()) {
    shown = clean_ascii(given->second);
  } else if (const MapRef baseline = pool_->logins().baseline()) {
    if (const auto it = baseline->find(application_name); it != baseline->end()) shown = it->second;
  }
  parameters.insert_or_assign(std::string(application_name), std::move(shown));
  return worker_.interner().intern(std::move(parameters));
}

// The first client of its kind waits for a backend, which applies the settings and says what became of them.
Task<bool> Session::learn_parameters(std::uint64_t epoch) {
  flush();
  while (exchange_.backend == nullptr) {
    if (waiter_.granted != nullptr) {
      take_grant();
    } else if (!waiter_.queued) {
      borrow();
    }
    if (exchange_.backend != nullptr) break;
    if (const std::optional<ServerRefusal> refusal = pool_->refusal()) {
      end(Reason::server_unreachable, "logging in to the database server failed: " + refusal->message);
      co_return false;
    }
    if (expired_ || client_.hung_up()) {
      end(expired_ ? Reason::server_unreachable : Reason::client_closed);
      co_return false;
    }
    co_await waker_.wait();
  }
  apply_settings();
  flush();
  while (phase_ == Phase::login && exchange_.backend != nullptr && !exchange_.own.empty()) {
    if (expired_) {
      end(*expired_);
      break;
    }
    if (may_read_server()) waker_.wake();
    co_await waker_.wait();
    if (exchange_.backend != nullptr) read_server();
  }
  if (phase_ == Phase::closing) co_return false;
  if (exchange_.backend == nullptr) {
    end(Reason::server_lost);
    co_return false;
  }
  remember_parameters(epoch);
  give_back();
  co_return phase_ == Phase::login;
}

// Under the startup settings without application_name, which known_parameters() puts in.
void Session::remember_parameters(std::uint64_t epoch) {
  SettingMap key = *exchange_.startup;
  key.erase(std::string(application_name));
  exchange_.use_view(with_application_name(*exchange_.backend->parameters));
  pool_->logins().remember(epoch, worker_.interner().intern(std::move(key)), exchange_.backend->parameters);
}

void Session::welcome(const ClientLogin& login) {
  const std::uint16_t minor = negotiated_minor(login.startup());
  const CancelRegistry::Key key = context_.cancels.add({worker_.index(), id_}, cancel_secret_size(minor));
  cancel_pid_ = key.pid;
  exchange_.greeted = true;
  exchange_.greeting = exchange_.view;
  ByteBuffer& out = worker_.to_client().own();
  write_authentication_ok(out);
  for (const auto& [name, value] : *exchange_.view) write_parameter_status(out, name, value);
  write_backend_key_data(out, key.pid, key.secret);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker_.to_client().end_own();
  flush();
  worker_.counters().logins_ok.add();
  worker_.counters().login.observe(Clock::now() - started_);
  last_activity_ = worker_.now();
  log::debug("client_login", {{"client", std::to_string(id_)},
                              {"database", pool_->database()},
                              {"user", pool_->user()},
                              {"peer", peer_}});
}

// The connection that carried the request is closed when the request has been dealt with, as PostgreSQL does:
// a driver takes that for the receipt.
void Session::forward_cancel(const CancelRequest& request) {
  worker_.counters().cancels_received.add();
  const std::optional<SessionAddress> target = context_.cancels.find(request.pid, request.secret);
  client_.detach();
  auto connection = std::make_shared<Transport>(std::move(client_));
  client_gone_ = true;
  end(Reason::cancel_request);
  if (target) context_.sessions.cancel(*target, std::move(connection));
}

}  // namespace pgweir
