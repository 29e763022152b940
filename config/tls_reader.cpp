#include "config/tls_reader.hpp"

#include <array>
#include <filesystem>
#include <utility>

#include "config/validate.hpp"

namespace pgweir::config {

namespace {

enum class Negotiation { postgres, direct };
constexpr std::array<Choice<Negotiation>, 2> negotiations{
    {{"postgres", Negotiation::postgres}, {"direct", Negotiation::direct}}};

// A file that cannot be read is reported here, with its place; what is in it is judged where it is loaded.
void read_file_name(Walk& walk, Section& section, std::string_view key, std::string& out) {
  std::string name;
  if (!section.text(key, name)) return;
  if (name.empty()) return section.report(key, "is empty; leave the key out");
  out = resolve_file_name(std::filesystem::path(walk.locations.file).parent_path().string(), name);
  constexpr std::size_t most = 1024 * 1024;
  const FileContent content = walk.environment.read_file(out, most);
  if (!content.error.empty())
    section.report(key, unreadable(out, content.error));
  else if (key == "key_file" && content.readable_by_others)
    section.report(key, "every user of this machine can read the file; chmod o-r protects it",
                   Severity::warning);
}

void check_pair(Section& section, const std::string& cert_file, const std::string& key_file) {
  if (cert_file.empty() == key_file.empty()) return;
  section.report(cert_file.empty() ? "key_file" : "cert_file",
                 cert_file.empty() ? "needs the cert_file that it belongs to" : "needs its key_file");
}

}  // namespace

void read_listen_tls(Walk& walk, Section section, ListenTls& out) {
  section.choice<TlsMode>("mode", out.mode, words(out.mode).first(3));
  read_file_name(walk, section, "cert_file", out.cert_file);
  read_file_name(walk, section, "key_file", out.key_file);
  read_file_name(walk, section, "client_ca_file", out.client_ca_file);
  section.duration("handshake_timeout", out.handshake_timeout);
  check_pair(section, out.cert_file, out.key_file);
  if (out.mode != TlsMode::disable && section.find("cert_file") == nullptr &&
      section.find("key_file") == nullptr)
    section.report("cert_file", "is missing: TLS needs a certificate and its key");
  if (out.mode == TlsMode::disable && section.find("cert_file") != nullptr)
    section.report("cert_file",
                   "is not used while listen.tls.mode is disable, its default: clients get plain text; set "
                   "mode to prefer or require",
                   Severity::warning);
  if (out.handshake_timeout.count() == 0)
    section.report("handshake_timeout", "must not be 0: a silent client would stay for ever");
  section.finish();
}

void read_server_tls(Walk& walk, Section section, const std::string& host, ServerTls& out) {
  out.mode = is_loopback(host) ? TlsMode::disable : TlsMode::verify_full;
  section.choice<TlsMode>("mode", out.mode, words(out.mode));
  read_file_name(walk, section, "ca_file", out.ca_file);
  read_file_name(walk, section, "cert_file", out.cert_file);
  read_file_name(walk, section, "key_file", out.key_file);
  check_pair(section, out.cert_file, out.key_file);
  Negotiation negotiation = Negotiation::postgres;
  section.choice<Negotiation>("negotiation", negotiation, negotiations);
  out.direct = negotiation == Negotiation::direct;
  section.flag("allow_cleartext_password", out.allow_cleartext_password);
  const bool may_be_plain = out.mode == TlsMode::disable || out.mode == TlsMode::prefer;
  if (out.direct && may_be_plain)
    section.report("negotiation", "direct needs mode require, verify-ca or verify-full");
  const bool verifies = out.mode == TlsMode::verify_ca || out.mode == TlsMode::verify_full;
  if (out.allow_cleartext_password && !verifies)
    section.report("allow_cleartext_password",
                   "needs mode verify-full or verify-ca: whoever answers would be told the password");
  if (!out.ca_file.empty() && !verifies)
    section.report("ca_file", "is not looked at with mode " + std::string(to_string(out.mode)) +
                                  "; verify-full checks the server's certificate");
  section.finish();
}

}  // namespace pgweir::config
