#include "proxy/reply/parameter_teller.hpp"

#include "protocol/sql_tokenizer.hpp"
#include "protocol/startup.hpp"
#include "proxy/backend/reported_parameters.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

ParameterTeller::Verdict ParameterTeller::take(const Piece& piece, bool is_own) {
  ParameterStatusView status;
  SettingsMemo& memo = x_.worker.settings_memo();
  if (!take_parameter(*x_.backend, piece.body(), memo, status)) return Verdict::violation;
  // During a prelude the values pass through states that this client never had.
  if (is_own || !x_.client.greeted) return Verdict::keep;
  const std::string_view value = value_for_client(status);
  const auto known = x_.client.view->find(status.name);
  if (known != x_.client.view->end() && known->second == value) return Verdict::keep;
  x_.client.use_view(memo.with(x_.client.view, status.name, value));
  if (value.data() == status.value.data()) return Verdict::forward;
  x_.batch.answered = true;
  write_parameter_status(x_.worker.to_client().own(), status.name, value);
  x_.worker.to_client().end_own();
  return Verdict::keep;
}

// What a RESET gives back to the client is applied after the RESET, but the client is told before the answer
// ends.
void ParameterTeller::tell_restored() {
  SettingMap client_knows = *x_.client.view;
  for (auto& [name, value] : client_knows) {
    const std::uint32_t restores = x_.watch.restores_now;
    if (restores != resets_all && restores != StatementMap::hash_of(ascii_lower(name))) continue;
    const auto greeted = x_.client.greeting->find(name);
    if (greeted == x_.client.greeting->end() || greeted->second == value ||
        !x_.client.startup->contains(ascii_lower(name)))
      continue;
    value = greeted->second;
    write_parameter_status(x_.worker.to_client().own(), name, value);
    x_.worker.to_client().end_own();
  }
  x_.client.use_view(x_.worker.interner().intern(std::move(client_knows)));
}

// A RESET on the server returns to the server's default. For the client, the value is what it brought at
// startup; its next transaction will find that.
std::string_view ParameterTeller::value_for_client(const ParameterStatusView& status) const {
  const bool follows_role = status.name == "is_superuser" && x_.client.startup->contains("role");
  const bool brought = follows_role || x_.client.startup->contains(ascii_lower(status.name));
  if (!x_.watch.marks.contains(Mark::resets_now) || !brought) return status.value;
  const auto greeted = x_.client.greeting->find(status.name);
  if (greeted == x_.client.greeting->end()) return status.value;
  const MapRef baseline = x_.commons->logins().baseline();
  if (!baseline) return greeted->second;
  const auto standard = baseline->find(status.name);
  const bool is_default = standard == baseline->end() || standard->second == status.value;
  return is_default ? std::string_view(greeted->second) : status.value;
}

void ParameterTeller::tell() {
  if (!x_.client.greeted) return;
  if (same(x_.client.view, x_.backend->parameters)) {
    x_.client.use_view(x_.backend->parameters);
    return;
  }
  for (const auto& [name, value] : *x_.backend->parameters) {
    const auto known = x_.client.view->find(name);
    if (known != x_.client.view->end() && known->second == value) continue;
    write_parameter_status(x_.worker.to_client().own(), name, value);
    x_.worker.to_client().end_own();
  }
  x_.client.use_view(x_.backend->parameters);
}

}  // namespace pgweir
