// Bytes of the first packet. Oracle: what was parsed and built again parses to the same.
#include <strings.h>

#include <cstdlib>
#include <variant>

#include "protocol/startup.hpp"

using namespace pgweir;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// "Database" is an ordinary (and unknown) parameter, but a copy that also has "database" would be refused.
bool is_like_a_keyword(const StartupParameter& p) {
  return strcasecmp(p.name.c_str(), "database") == 0 || strcasecmp(p.name.c_str(), "options") == 0;
}

void rebuild(const StartupMessage& m) {
  ByteBuffer packet;
  for (const StartupParameter& p : m.parameters) {
    if (is_like_a_keyword(p)) return;
  }
  std::vector<StartupParameter> parameters = m.parameters;
  parameters.push_back({"options", m.options});
  write_startup_message(packet, m.minor, m.user, m.database, parameters);
  StartupPacket again;
  // Without a database, or without options, the copy may be a few bytes longer than the cap.
  if (packet.size() > startup_packet_max) return;
  require(parse_startup_packet(ByteView(packet).subspan(4), again) == Errc::ok);
  const auto& copy = std::get<StartupMessage>(again);
  require(copy.minor == m.minor && copy.user == m.user && copy.database == m.database);
  require(copy.parameters == m.parameters && copy.options == m.options);
}

void rebuild(const CancelRequest& c) {
  ByteBuffer packet;
  write_cancel_request(packet, c.pid, c.secret);
  StartupPacket again;
  require(parse_startup_packet(ByteView(packet).subspan(4), again) == Errc::ok);
  require(std::get<CancelRequest>(again).secret == c.secret);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  std::size_t packet_size = 0;
  if (startup_packet_size(input, packet_size) == Errc::ok && packet_size != 0) {
    require(packet_size >= startup_packet_min && packet_size <= startup_packet_max);
  }
  StartupPacket packet;
  if (size < 4 || parse_startup_packet(input.subspan(4), packet) != Errc::ok) return 0;
  if (const auto* m = std::get_if<StartupMessage>(&packet)) rebuild(*m);
  if (const auto* c = std::get_if<CancelRequest>(&packet)) rebuild(*c);
  return 0;
}
