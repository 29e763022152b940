#include "proxy/entry/admission.hpp"

#include "config/pass_through.hpp"
#include "protocol/authentication.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// pgweir knows the value of this setting without asking the server. Otherwise each new name would cost a
// question.
constexpr std::string_view application_name = "application_name";

// PostgreSQL replaces what is not printable ASCII in an application_name (pg_clean_ascii).
std::string clean_ascii(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c < ' ' || c > '~') c = '?';
  }
  return clean;
}

}  // namespace

std::shared_ptr<Pool> Admission::admit(const ClientLogin& login) {
  const Snapshot& snapshot = parts_.worker.snapshot();
  const StartupMessage& startup = login.startup();
  const config::Database* database = snapshot.settings->find_database(startup.database);
  const config::User* user = snapshot.settings->find_user(startup.user);
  if (database == nullptr) {
    parts_.life.end(Reason::no_such_database, "database \"" + startup.database + "\" does not exist");
    return nullptr;
  }
  // A reload may have turned a listed user into one whom the server judges, or the other way, since the login
  // began.
  const bool is_listed = !login.judged_by_server() && user != nullptr && may_use(*database, user->name);
  const bool passes = login.judged_by_server() &&
                      config::pass_through_of(*snapshot.settings, startup.database, startup.user) != nullptr;
  if (!is_listed && !passes) {
    parts_.life.end(Reason::not_allowed, "permission denied for database \"" + startup.database + "\"");
    return nullptr;
  }
  if (parts_.life.drains) {
    parts_.life.end(Reason::draining);
    return nullptr;
  }
  if (parts_.context.pools.is_disabled(startup.database)) {
    parts_.life.end(Reason::database_disabled, "database \"" + startup.database + "\" is disabled");
    return nullptr;
  }
  pool_ = is_listed ? parts_.context.pools.get(snapshot, *database, startup.database, *user)
                    : parts_.context.pools.find(startup.database, startup.user);
  if (pool_ && passes && !pool_->passes_through()) pool_.reset();
  if (!pool_ && passes) {
    parts_.life.end(Reason::draining, "the configuration has changed");
    return nullptr;
  }
  if (!pool_) {
    parts_.life.end(Reason::too_many_clients, "too many pools");
    return nullptr;
  }
  if (is_listed && !user->scram_verifier.empty() && login.scram() != nullptr) {
    const ScramVerifier& verifier = login.scram()->verifier();
    pool_->scram_keys()->store({}, verifier.salt, verifier.iterations, login.scram()->keys());
  }
  pool_->counters(parts_.worker).clients.add();
  pool_->counters(parts_.worker).logged_in.add();
  x_.commons = x_.pool = pool_.get();
  const std::shared_ptr<const config::Pool> settings = pool_->settings();
  if (settings->mode == config::PoolMode::session) x_.pins.insert(Pin::session_mode);
  x_.judgement = {settings->state == config::StateTracking::strict, settings->trust_triggers,
                  settings->unknown_code == config::UnknownCode::trust};
  if (settings->sequence_values == config::SequenceValues::pin) pool_->code().learn_sequence_use();
  return pool_;
}

bool Admission::recall(const SettingMap& settings) {
  epoch_ = pool_->logins().epoch();
  if (const std::optional<Greeting> known = pool_->logins().greeting(settings)) {
    x_.client.startup = x_.client.desired = known->startup;
    x_.client.use_view(known->parameters);
    return true;
  }
  keep_startup(settings);
  MapRef parameters = known_parameters();
  if (!parameters) return false;
  x_.client.use_view(std::move(parameters));
  remember_greeting(settings);
  return true;
}

// A setting that every fresh backend has anyway need not be applied, so it is left out.
void Admission::keep_startup(const SettingMap& settings) {
  SettingMap own = settings;
  if (const MapRef baseline = pool_->logins().baseline()) {
    for (const auto& [name, value] : *baseline) {
      const auto it = own.find(ascii_lower(name));
      if (it != own.end() && it->second == value) own.erase(it);
    }
  }
  x_.client.startup = x_.client.desired = parts_.worker.interner().intern(std::move(own));
}

// What a client with these startup settings is told; null when this combination was not seen yet.
MapRef Admission::known_parameters() const {
  SettingMap key = *x_.client.startup;
  key.erase(std::string(application_name));
  const MapRef startup = parts_.worker.interner().intern(std::move(key));
  const MapRef parameters = pool_->logins().parameters(startup, pool_->all_lent());
  if (!parameters) return nullptr;
  return with_application_name(*parameters);
}

MapRef Admission::with_application_name(SettingMap parameters) const {
  std::string shown;  // the default, unless the client has brought a name
  if (const auto given = x_.client.startup->find(application_name); given != x_.client.startup->end()) {
    shown = clean_ascii(given->second);
  } else if (const MapRef baseline = pool_->logins().baseline()) {
    if (const auto it = baseline->find(application_name); it != baseline->end()) shown = it->second;
  }
  parameters.insert_or_assign(std::string(application_name), std::move(shown));
  return parts_.worker.interner().intern(std::move(parameters));
}

// Remembers the parameters under the startup settings without application_name, which known_parameters() puts
// in.
void Admission::learned(const SettingMap& settings) {
  SettingMap key = *x_.client.startup;
  key.erase(std::string(application_name));
  x_.client.use_view(with_application_name(*x_.backend->parameters));
  pool_->logins().remember(epoch_, parts_.worker.interner().intern(std::move(key)), x_.backend->parameters);
  remember_greeting(settings);
}

void Admission::remember_greeting(const SettingMap& settings) {
  pool_->logins().remember(epoch_, settings, {x_.client.startup, x_.client.view});
}

std::uint32_t Admission::welcome(const ClientLogin& login) {
  const std::uint16_t minor = negotiated_minor(login.startup());
  const CancelRegistry::Key key =
      parts_.context.cancels.add({parts_.worker.index(), parts_.id}, cancel_secret_size(minor));
  x_.client.greeted = true;
  x_.client.greeting = x_.client.view;
  ByteBuffer& out = parts_.worker.to_client().own();
  write_authentication_ok(out);
  for (const auto& [name, value] : *x_.client.view) write_parameter_status(out, name, value);
  write_backend_key_data(out, key.pid, key.secret);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  parts_.worker.to_client().end_own();
  parts_.worker.counters().logins_ok.add();
  parts_.worker.counters().login.observe(Clock::now() - parts_.life.started);
  log::debug("client_login", {{"client", std::to_string(parts_.id)},
                              {"database", pool_->database()},
                              {"user", pool_->user()},
                              {"peer", parts_.link.peer}});
  return key.pid;
}

}  // namespace pgweir
