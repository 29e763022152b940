#include "proxy/backend/opener.hpp"

#include <boost/asio/post.hpp>
#include <random>

#include "protocol/startup.hpp"
#include "proxy/backend/server_tls.hpp"
#include "proxy/net/awaited.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;

// Backends that were opened together must not all expire together.
TimePoint expiry(std::chrono::milliseconds max_lifetime) {
  if (max_lifetime.count() == 0) return TimePoint::max();
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> share(0.9, 1.0);
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(max_lifetime * share(random));
}

struct Derived {
  Errc result = Errc::ok;
  ScramKeys keys;
};

// Derives the keys by one PBKDF2 on the slow-jobs thread.
void derive_keys(Worker& here, std::shared_ptr<const PoolTarget> target, ByteView salt,
                 std::uint32_t iterations, Awaited<Derived>::Giver give) {
  auto job = [&here, target = std::move(target), salt = ByteBuffer(salt.begin(), salt.end()), iterations,
              give = std::move(give)] {
    Derived derived;
    derived.result = derive_scram_keys(target->password.reveal(), salt, iterations, derived.keys);
    here.post([give, derived] { give(derived); });
  };
  asio::post(here.shared().slow_jobs, std::move(job));
}

// Bytes that have arrived and are not consumed yet.
class Received {
 public:
  ByteView& view() { return view_; }
  void append(ByteView more) {
    ByteBuffer joined(view_.begin(), view_.end());
    joined.insert(joined.end(), more.begin(), more.end());
    bytes_ = std::move(joined);
    view_ = bytes_;
  }

 private:
  ByteBuffer bytes_;
  ByteView view_;
};

std::shared_ptr<Backend> make_backend(Worker& here, Transport transport, BackendLogin& login, ByteView rest,
                                      const PoolTarget& target, const config::Pool& settings) {
  auto backend = std::make_shared<Backend>(settings.max_prepared_statements);
  transport.watch(nullptr);
  backend->transport = std::move(transport);
  backend->worker = here.index();
  backend->expires_at = expiry(settings.max_lifetime);
  backend->pid = login.pid();
  backend->login_user = target.user;
  backend->proved_password = login.proved_password();
  backend->local = local_endpoint(backend->transport.fd());
  backend->remote = remote_endpoint(backend->transport.fd());
  backend->opened = here.now();
  if (const TlsStream* const tls = backend->transport.tls()) backend->tls = tls->description();
  backend->cancel_secret = login.cancel_secret();
  backend->parameters = here.interner().intern(login.take_parameters());
  backend->applied = here.shared().no_settings;
  backend->carry.assign(rest.begin(), rest.end());
  return backend;
}

constexpr char no_key[] =
    "the server asks for a password; this user has none configured, or a scram_verifier that is not the "
    "server's";

BackendLogin::Cleartext cleartext_for(const PoolTarget& target, const Transport& transport) {
  using Cleartext = BackendLogin::Cleartext;
  const bool verified = transport.tls() != nullptr && (target.tls->mode == config::TlsMode::verify_ca ||
                                                       target.tls->mode == config::TlsMode::verify_full);
  if (!target.iam_region.empty()) return verified ? Cleartext::only : Cleartext::no;
  return verified && target.allow_cleartext ? Cleartext::yes : Cleartext::no;
}

// A refusal that lasts until an operator has changed something.
Opened refusal(std::string message) {
  return {nullptr, {"", std::move(message), true, BackendLoginResult::refused}};
}

Opened lost(const Transport& transport) {
  // A server that does not accept pgweir's certificate says so only after a handshake of TLS 1.3.
  if (transport.tls() != nullptr && !transport.tls()->failure().empty())
    return refusal("TLS: " + transport.tls()->failure());
  return Opened::failed(BackendLoginResult::lost, "the server closed the connection while logging in");
}

Opened trouble(ServerTlsResult tls) {
  using Status = ServerTlsResult::Status;
  const auto result = tls.status == Status::timed_out ? BackendLoginResult::timed_out
                      : tls.status == Status::lost    ? BackendLoginResult::lost
                                                      : BackendLoginResult::refused;
  return {nullptr, {"", std::move(tls.problem), tls.status == Status::refused, result}};
}

}  // namespace

std::optional<ScramKeys> ScramKeyCache::find(const config::Secret& password, ByteView salt,
                                             std::uint32_t iterations) const {
  const std::lock_guard lock(mutex_);
  if (!entry_ || entry_->iterations != iterations || !(entry_->password == password)) return std::nullopt;
  if (!std::equal(salt.begin(), salt.end(), entry_->salt.begin(), entry_->salt.end())) return std::nullopt;
  return entry_->keys;
}

void ScramKeyCache::store(const config::Secret& password, ByteView salt, std::uint32_t iterations,
                          const ScramKeys& keys) {
  const std::lock_guard lock(mutex_);
  entry_ = Entry{password, ByteBuffer(salt.begin(), salt.end()), iterations, keys};
}

void ScramKeyCache::forget() {
  const std::lock_guard lock(mutex_);
  entry_.reset();
}

bool PoolTarget::is_rotated_from(const PoolTarget& before) const {
  if (secret_of.empty()) return false;
  PoolTarget same = before;
  same.user = user;
  same.password = password;
  same.secret_version = secret_version;
  return same == *this;
}

Task<Opened> open_backend(Worker& here, std::shared_ptr<const PoolTarget> target,
                          std::shared_ptr<const config::Pool> settings, std::shared_ptr<ScramKeyCache> keys) {
  TimedWaker clock(here, settings->connect_timeout);
  Connected connected = co_await connect_to(here, target->address, clock);
  if (!connected.error.empty()) {
    const auto result = clock.expired() ? BackendLoginResult::timed_out : BackendLoginResult::unreachable;
    co_return Opened::failed(result, std::move(connected.error));
  }

  Transport& transport = connected.transport;
  ServerTlsResult tls = co_await start_server_tls(transport, target->tls, clock);
  if (tls.status != ServerTlsResult::Status::done) co_return trouble(std::move(tls));
  BackendLogin login(target->user, target->password.reveal());
  if (transport.tls() != nullptr) login.bind_to(transport.tls()->peer_end_point());
  login.permit(cleartext_for(*target, transport));
  Received received;
  Backlog unsent;
  ByteBuffer reply;
  write_startup_message(reply, 0, target->user, target->dbname, {});
  BackendLogin::Step step = BackendLogin::Step::send;
  while (step != BackendLogin::Step::ready) {
    if (clock.expired())
      co_return Opened::failed(BackendLoginResult::timed_out, "logging in to the server timed out");
    switch (step) {
      case BackendLogin::Step::refused:
        co_return Opened{nullptr, login.refusal()};
      case BackendLogin::Step::send: {
        unsent.append(reply);
        reply.clear();
        if (!unsent.flush(transport)) co_return lost(transport);
        step = login.feed(received.view(), reply);
        break;
      }
      case BackendLogin::Step::need_keys: {
        const std::optional<ScramKeys> known = keys->find(target->password, login.salt(), login.iterations());
        if (known) {
          step = login.use_keys(*known, reply);
          break;
        }
        if (target->password.empty()) co_return refusal(no_key);
        const Awaited<Derived> derived(clock.waker());
        derive_keys(here, target, login.salt(), login.iterations(), derived.giver());
        while (!derived.has_value() && !clock.expired()) co_await clock.waker().wait();
        if (!derived.has_value()) break;
        if ((*derived).result != Errc::ok)
          co_return Opened::failed(BackendLoginResult::refused, "PBKDF2 failed");
        const ScramKeys& made = (*derived).keys;
        keys->store(target->password, login.salt(), login.iterations(), made);
        step = login.use_keys(made, reply);
        break;
      }
      case BackendLogin::Step::need_bytes: {
        if (!unsent.flush(transport)) co_return lost(transport);
        const IoResult result = transport.read(here.scratch());
        if (result.status == IoStatus::would_block) {
          co_await clock.waker().wait();
          break;
        }
        if (result.status != IoStatus::ok) co_return lost(transport);
        received.append(here.scratch().first(result.size));
        step = login.feed(received.view(), reply);
        break;
      }
      case BackendLogin::Step::ready:
        break;
    }
  }
  co_return Opened{make_backend(here, std::move(transport), login, received.view(), *target, *settings), {}};
}

}  // namespace pgweir
