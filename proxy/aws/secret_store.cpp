#include "proxy/aws/secret_store.hpp"

#include <algorithm>
#include <utility>

#include "proxy/aws/json.hpp"
#include "proxy/base/log.hpp"

namespace pgweir::aws {
namespace {

using Millis = std::chrono::milliseconds;

std::string key_of(const config::User& user) {
  return user.secret.empty() ? "ssm:" + user.ssm_parameter : "secretsmanager:" + user.secret;
}

}  // namespace

void SecretStore::configure(const config::Settings& settings) {
  interval_ = settings.aws.secret_refresh;
  for (const auto& [key, entry] : entries_) entry->users.clear();
  std::map<std::string, std::int64_t> read_at;
  for (const auto& [name, user] : settings.users) {
    if (!user.has_remote_secret()) continue;
    EntryRef& entry = entries_[key_of(user)];
    if (!entry) entry = std::make_shared<Entry>(settings.aws.secret_grace);
    entry->secret.set_grace(settings.aws.secret_grace);
    entry->service = user.secret.empty() ? Service::ssm : Service::secretsmanager;
    entry->name = entry->is_parameter() ? user.ssm_parameter : user.secret;
    entry->users.push_back(name);
    read_at.emplace(name, 0);
  }
  std::erase_if(entries_, [](const auto& each) { return each.second->is_forgotten(); });
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, at] : read_at) {
      if (const auto before = stats_.read_at.find(name); before != stats_.read_at.end()) at = before->second;
    }
    stats_.read_at = std::move(read_at);
  }
  for (const auto& [key, entry] : entries_) {
    if (!entry->is_reading()) read(entry);
  }
  publish();
}

SecretStore::EntryRef SecretStore::find(const std::string& user) const {
  for (const auto& [key, entry] : entries_) {
    if (std::find(entry->users.begin(), entry->users.end(), user) != entry->users.end()) return entry;
  }
  return nullptr;
}

void SecretStore::refresh(const std::string& user, Done done) {
  const EntryRef entry = find(user);
  if (!entry || entry->queued.size() >= waiting_max) return done();
  entry->queued.push_back(std::move(done));
  read_soon(entry);
}

void SecretStore::read_soon(EntryRef entry) {
  if (entry->scheduled || entry->is_reading()) return;
  entry->scheduled = true;
  const auto since = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - entry->read_at);
  loop_.after(std::clamp(read_pause - since, Millis(0), read_pause), [this, entry] {
    entry->scheduled = false;
    if (!entry->is_reading()) read(entry);
  });
}

void SecretStore::other_login(const std::string& user, const std::string& refused,
                              std::function<void(std::optional<SecretLogin>)> done) {
  const auto login_of = [user](const SecretVersion& version) {
    return SecretLogin{version.id, version.user.empty() ? user : version.user, version.password};
  };
  // A login that was refused with an outdated version need not wait.
  const EntryRef known = find(user);
  const SecretVersion* const preferred = known ? known->secret.preferred() : nullptr;
  if (preferred != nullptr && preferred->id != refused) return done(login_of(*preferred));
  Done answer = [this, user, refused, done, login_of] {
    const EntryRef entry = find(user);
    const SecretVersion* const other = entry ? entry->secret.other_than(refused) : nullptr;
    done(other == nullptr ? std::nullopt : std::optional(login_of(*other)));
  };
  // At the start anything that is read will do.
  if (known && known->is_reading() && refused.empty()) return known->waiting.push_back(std::move(answer));
  refresh(user, std::move(answer));
}

void SecretStore::worked(const std::string& user, const std::string& version) {
  const EntryRef entry = find(user);
  if (!entry || !entry->secret.is_known()) return;
  entry->secret.worked(version);
  publish();
}

void SecretStore::ask(const EntryRef& entry, const char* stage, std::function<void(CallReply)> done) {
  if (entry->is_parameter()) return ask_parameter(entry->name, std::move(done));
  const nlohmann::json body{{"SecretId", entry->name}, {"VersionStage", stage}};
  client_.call(Service::secretsmanager, "secretsmanager.GetSecretValue", body.dump(), std::move(done));
}

void SecretStore::ask_parameter(const std::string& name, std::function<void(CallReply)> done) {
  const nlohmann::json body{{"Name", name}, {"WithDecryption", true}};
  client_.call(Service::ssm, "AmazonSSM.GetParameter", body.dump(), std::move(done));
}

// The current version, then what else is needed.
void SecretStore::read(EntryRef entry) {
  entry->waiting = std::exchange(entry->queued, {});
  entry->reading = entry->waiting.empty() ? Reading::without_pending : Reading::with_pending;
  ask(entry, "AWSCURRENT", [this, entry](CallReply reply) { take_current(entry, std::move(reply)); });
}

void SecretStore::take_current(EntryRef entry, CallReply reply) {
  if (reply.failure.result != CallResult::ok) return finish(entry, std::move(reply.failure));
  std::string error;
  const bool first = !entry->secret.is_known();
  auto version = entry->is_parameter() ? parse_parameter(reply.http.body, error)
                                       : parse_secret_value(reply.http.body, error);
  if (!version) return finish(entry, {CallResult::invalid, error});
  const std::string id = version->id;
  const bool changed = entry->secret.take_current(std::move(*version), now());
  if (changed && !first) log::info("secret_rotated", {{"secret", entry->name}, {"version", id}});
  const auto before = entry->is_parameter() && first ? previous_parameter_version(id) : std::nullopt;
  if (before) return ask_previous_parameter(entry, *before);
  if (entry->is_parameter()) return finish(entry, {CallResult::ok, {}});
  if (first) return ask_previous(entry);
  if (entry->reading == Reading::with_pending) return ask_pending(entry);
  finish(entry, {CallResult::ok, {}});
}

// It is usual that a stage has no version.
void SecretStore::ask_previous(EntryRef entry) {
  ask(entry, "AWSPREVIOUS", [this, entry](CallReply reply) {
    std::string ignored;
    if (reply.failure.result == CallResult::ok) {
      if (auto version = parse_secret_value(reply.http.body, ignored))
        entry->secret.take_previous(std::move(*version), now());
    }
    if (entry->reading == Reading::with_pending) return ask_pending(entry);
    finish(entry, {CallResult::ok, {}});
  });
}

// Asks for the version that was replaced before pgweir began. AWS may not keep it any more, or may not let
// pgweir read it.
void SecretStore::ask_previous_parameter(EntryRef entry, const std::string& version) {
  ask_parameter(entry->name + ':' + version, [this, entry, version](CallReply reply) {
    std::string ignored;
    if (reply.failure.result == CallResult::ok) {
      auto found = parse_parameter(reply.http.body, ignored);
      if (found && found->id == version) entry->secret.take_previous(std::move(*found), now());
    }
    finish(entry, {CallResult::ok, {}});
  });
}

void SecretStore::ask_pending(EntryRef entry) {
  ask(entry, "AWSPENDING", [this, entry](CallReply reply) {
    std::string ignored;
    if (reply.failure.result == CallResult::ok)
      entry->secret.take_pending(parse_secret_value(reply.http.body, ignored));
    if (reply.failure.result == CallResult::not_found) entry->secret.take_pending(std::nullopt);
    finish(entry, {CallResult::ok, {}});
  });
}

void SecretStore::finish(EntryRef entry, CallFailure failure) {
  const bool good = failure.result == CallResult::ok;
  entry->reading = Reading::none;
  entry->read_at = std::chrono::steady_clock::now();
  entry->failures = good ? 0 : entry->failures + 1;
  {
    const std::lock_guard lock(mutex_);
    ++stats_.reads[static_cast<std::size_t>(failure.result)];
    if (good) {
      for (const std::string& user : entry->users)
        stats_.read_at[user] = std::chrono::system_clock::to_time_t(now());
    }
  }
  // The first failure of an outage, and then the 2nd, 4th, 8th ...
  if (!good && (entry->failures & (entry->failures - 1)) == 0) {
    log::warning("secret_read_failed", {{"secret", entry->name},
                                        {"result", to_string(failure.result)},
                                        {"problem", failure.message},
                                        {"in_use", entry->secret.is_known() ? "the last one" : "none"}});
  }
  publish();
  for (const Done& done : std::exchange(entry->waiting, {})) done();
  schedule(entry);
  if (!entry->queued.empty()) read_soon(entry);
}

void SecretStore::schedule(EntryRef entry) {
  Millis delay = interval_;
  if (entry->failures > 0)
    delay = std::min({delay, back_off_max, Millis(500) * (1U << std::min(entry->failures, 8U))});
  const Time at = entry->secret.changes_at(now());
  const Millis grace_ends = at == Time::max() ? delay : std::chrono::ceil<Millis>(at - now()) + Millis(1);
  const bool only_publish = grace_ends < delay;
  const std::uint64_t turn = ++entry->turn;
  loop_.after(std::min(delay, grace_ends), [this, entry, turn, only_publish] {
    if (entry->turn != turn || entry->is_forgotten() || entry->is_reading()) return;
    if (!only_publish) return read(entry);
    publish();
    schedule(entry);
  });
}

void SecretStore::publish() {
  auto made = std::make_shared<UserSecrets>();
  for (const auto& [key, entry] : entries_) {
    if (!entry->secret.is_known()) continue;
    for (const std::string& user : entry->users) made->emplace(user, entry->secret.view(user, now()));
  }
  if (published_ && *published_ == *made) return;
  published_ = std::move(made);
  on_change_(published_);
}

SecretStore::Stats SecretStore::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace pgweir::aws
