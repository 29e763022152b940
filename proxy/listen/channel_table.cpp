#include "proxy/listen/channel_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pgweir {

std::optional<ListenOutcome> ChannelTable::change(Subscriber who, ListenChange change) {
  Client& client = clients_[who.session];
  if (exceeds_limits(client, change)) {
    forget_if_idle(who.session);
    return ListenOutcome::too_many;
  }
  // The client is owed nothing, so that there is nothing to wait for.
  if (change.listen.empty() && client.channels.empty() && client.requests == 0) {
    forget_if_idle(who.session);
    return ListenOutcome::done;
  }
  ++client.requests;
  for (const std::string& name : change.listen) {
    Channels::value_type& channel = *channels_.try_emplace(name).first;
    ++channel.second.awaited;
    touch(channel);
  }
  requests_.push_back({who, std::move(change)});
  return std::nullopt;
}

// A name that comes twice counts twice.
bool ChannelTable::exceeds_limits(const Client& client, const ListenChange& change) const {
  std::size_t new_to_client = 0;
  std::size_t new_to_all = 0;
  for (const std::string& name : change.listen) {
    if (!client.channels.contains(name)) ++new_to_client;
    if (!channels_.contains(name)) ++new_to_all;
  }
  return client.channels.size() + new_to_client > limits_.channels_of_client ||
         channels_.size() + new_to_all > limits_.channels;
}

void ChannelTable::leave(Subscriber who) {
  const auto it = clients_.find(who.session);
  if (it == clients_.end()) return;
  for (const std::string& name : it->second.channels) unsubscribe(who, name);
  if (it->second.requests > 0) {
    for (Request& request : requests_) {
      if (request.who == who) cancel(request);
    }
    for (Request& request : batch_requests_) {
      if (request.who == who) cancel(request);
    }
    std::erase_if(requests_, [](const Request& request) { return request.cancelled; });
  }
  clients_.erase(it);
  forget_unused();
}

void ChannelTable::cancel(Request& request) {
  if (std::exchange(request.cancelled, true)) return;
  drop_claims(request);
}

void ChannelTable::drop_claims(const Request& request) {
  for (const std::string& name : request.change.listen) {
    Channels::value_type& channel = *channels_.find(name);
    --channel.second.awaited;
    touch(channel);
  }
}

void ChannelTable::touch(Channels::value_type& channel) {
  if (!std::exchange(channel.second.noted, true)) touched_.push_back(channel.first);
}

// Without a connection there is no next batch that would do so.
void ChannelTable::forget_unused() {
  if (has_batch()) return;  // its answers are about some of them
  std::erase_if(touched_, [this](const std::string& name) {
    const auto it = channels_.find(name);
    if (it->second.wanted() || it->second.on_server) return false;
    channels_.erase(it);
    return true;
  });
}

void ChannelTable::subscribe(Subscriber who, Client& client, const std::string& channel) {
  Channel& entry = channels_.find(channel)->second;
  client.channels.insert(channel);
  entry.subscribers.insert(who);
  entry.audience_known = false;
}

void ChannelTable::unsubscribe(Subscriber who, std::string_view channel) {
  const auto it = channels_.find(channel);
  if (it == channels_.end() || it->second.subscribers.erase(who) == 0) return;
  it->second.audience_known = false;
  touch(*it);
}

void ChannelTable::forget_if_idle(std::uint64_t session) {
  const auto it = clients_.find(session);
  if (it != clients_.end() && it->second.channels.empty() && it->second.requests == 0) clients_.erase(it);
}

// --- Talking to the server

std::vector<HubCommand> ChannelTable::next_batch() {
  if (has_batch()) return {};
  for (const std::string& name : std::exchange(touched_, {})) {
    const auto it = channels_.find(name);
    Channel& channel = it->second;
    channel.noted = false;
    if (channel.wanted() != channel.on_server) {
      channel.on_server = channel.wanted();
      const auto kind = channel.on_server ? HubCommand::Kind::listen : HubCommand::Kind::unlisten;
      batch_.push_back({kind, name});
    } else if (!channel.wanted()) {
      channels_.erase(it);
    }
  }
  if (!requests_.empty() && batch_.empty()) batch_.push_back({HubCommand::Kind::round_trip, {}});
  std::move(requests_.begin(), requests_.end(), std::back_inserter(batch_requests_));
  requests_.clear();
  return {batch_.begin(), batch_.end()};
}

std::vector<ListenAnswer> ChannelTable::acknowledge(bool succeeded) {
  const HubCommand command = std::move(batch_.front());
  batch_.pop_front();
  if (command.kind == HubCommand::Kind::unlisten) touch(*channels_.find(command.channel));  // erases it
  if (command.kind == HubCommand::Kind::listen && !succeeded) {
    Channels::value_type& channel = *channels_.find(command.channel);
    channel.second.on_server = false;
    touch(channel);
    for (Request& request : batch_requests_) {
      const std::vector<std::string>& names = request.change.listen;
      if (std::find(names.begin(), names.end(), command.channel) != names.end()) request.failed = true;
    }
  }
  std::vector<ListenAnswer> answers;
  if (has_batch()) return answers;
  for (Request& request : batch_requests_) finish(request, answers);
  batch_requests_.clear();
  return answers;
}

void ChannelTable::finish(Request& request, std::vector<ListenAnswer>& answers) {
  if (request.cancelled) return;
  Client& client = clients_.find(request.who.session)->second;
  --client.requests;
  drop_claims(request);
  if (!request.failed) apply(request, client);
  answers.push_back({request.who, request.failed ? ListenOutcome::refused : ListenOutcome::done});
  forget_if_idle(request.who.session);
}

void ChannelTable::apply(const Request& request, Client& client) {
  if (request.change.unlisten_all) {
    for (const std::string& name : std::exchange(client.channels, {})) unsubscribe(request.who, name);
  }
  for (const std::string& name : request.change.unlisten) {
    if (client.channels.erase(name) > 0) unsubscribe(request.who, name);
  }
  for (const std::string& name : request.change.listen) subscribe(request.who, client, name);
}

// --- Notifications

std::span<const Audience> ChannelTable::audience(std::string_view channel) {
  const auto it = channels_.find(channel);
  if (it == channels_.end()) return {};
  Channel& entry = it->second;
  if (!entry.audience_known) {
    entry.audience.clear();
    // Ordered by worker.
    for (auto at = entry.subscribers.begin(); at != entry.subscribers.end();) {
      const unsigned worker = at->worker;
      auto sessions = std::make_shared<std::vector<std::uint64_t>>();
      for (; at != entry.subscribers.end() && at->worker == worker; ++at) sessions->push_back(at->session);
      entry.audience.push_back({worker, std::move(sessions)});
    }
    entry.audience_known = true;
  }
  return entry.audience;
}

// --- Without a connection

std::vector<Subscriber> ChannelTable::lose_connection() {
  std::vector<Subscriber> listeners;
  batch_.clear();
  std::move(requests_.begin(), requests_.end(), std::back_inserter(batch_requests_));
  requests_.clear();
  for (auto& [name, channel] : channels_) {
    for (const Subscriber& who : channel.subscribers) {
      // A client is reported once, however many channels it has.
      if (clients_.erase(who.session) > 0) listeners.push_back(who);
    }
    channel = {};
  }
  touched_.clear();
  for (Request& request : std::exchange(batch_requests_, {})) {
    if (request.cancelled || !clients_.contains(request.who.session)) continue;
    request.failed = false;
    for (const std::string& name : request.change.listen) {
      Channels::value_type& channel = *channels_.find(name);
      ++channel.second.awaited;
      touch(channel);
    }
    requests_.push_back(std::move(request));
  }
  std::erase_if(channels_, [](const auto& channel) { return !channel.second.wanted(); });
  return listeners;
}

std::vector<ListenAnswer> ChannelTable::refuse_requests(ListenOutcome why) {
  std::vector<ListenAnswer> answers;
  for (const Request& request : std::exchange(requests_, {})) {
    drop_claims(request);
    --clients_.find(request.who.session)->second.requests;
    answers.push_back({request.who, request.change.listen.empty() ? ListenOutcome::done : why});
    forget_if_idle(request.who.session);
  }
  forget_unused();
  return answers;
}

}  // namespace pgweir
