// L08 to L12: TLS.
#include <openssl/x509v3.h>

#include <ctime>

#include "config/network.hpp"
#include "protocol/startup.hpp"
#include "proxy/doctor/live_probe.hpp"
#include "proxy/net/tls_context.hpp"

namespace pgweir::doctor {
namespace {

std::string first_bytes(const ByteBuffer& bytes) {
  std::string out;
  for (const Byte byte : bytes) {
    if (out.size() >= 60) break;
    out += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
  }
  return out.empty() ? "(nothing)" : out;
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32] = "?";
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string alternative_names(X509* certificate) {
  std::string out;
  auto* const names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const std::string_view dns(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    out += (out.empty() ? "" : ", ") + std::string(dns);
  }
  GENERAL_NAMES_free(names);
  return out.empty() ? "(none)" : out;
}

bool made_for(X509* certificate, const std::string& host) {
  if (config::parse_address(host)) return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

bool out_of_time(long result) {
  return result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID;
}

// What is wrong with the certificate, as far as the configuration cares.
bool judge_certificate(Probe& probe, bool check_name) {
  SSL* const ssl = probe.wire.ssl();
  const long result = SSL_get_verify_result(ssl);
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr)
    return probe.stop(problem("L10", "The server shows no certificate.", {}, {}), "no certificate");
  const std::vector<Evidence> validity{
      {"certificate: valid from", time_text(X509_get0_notBefore(certificate))},
      {"certificate: valid to", time_text(X509_get0_notAfter(certificate))},
      {"this machine's clock", now_text()}};
  if (out_of_time(result)) {
    Finding found = problem("L12", "The server's certificate is not valid at this time.", validity,
                            {"aws rds modify-db-instance --db-instance-identifier DB "
                             "--ca-certificate-identifier rds-ca-rsa2048-g1"});
    found.causes = {"the certificate or its authority has expired", "this machine's clock is wrong"};
    return probe.stop(std::move(found), "the certificate is not valid at this time");
  }
  if (result != X509_V_OK)
    return probe.stop(
        problem("L10", "Nobody who is trusted here has signed the server's certificate.",
                {{"verification", X509_verify_cert_error_string(result)},
                 {"configuration: tls.ca_file", probe.target.database.tls.ca_file.empty()
                                                    ? "(the system's)"
                                                    : probe.target.database.tls.ca_file}},
                {"curl -o rds.pem https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
                 "databases." + probe.target.database.name + ".tls.ca_file: rds.pem"}),
        "the certificate is not trusted");
  probe.report(passed("L10", "The server's certificate is trusted."));
  probe.report(passed("L12", "The server's certificate is valid now.", validity));
  if (!check_name) {
    probe.report(not_evaluated("L11", "tls.mode verify-ca looks at no name"));
  } else if (!made_for(certificate, probe.target.database.host)) {
    return probe.stop(
        problem("L11",
                "The server's certificate is for another name than " + probe.target.database.host + ".",
                {{"certificate: names", alternative_names(certificate)}},
                {"databases." + probe.target.database.name + ".host: one of these names"}),
        "the certificate is for another name");
  } else {
    probe.report(passed("L11", "The server's certificate is for its name."));
  }
  return true;
}

// The server's one-letter answer; 0 with a finding.
char ask_for_tls(Probe& probe) {
  ByteBuffer bytes;
  write_ssl_request(bytes);
  const Deadline deadline = in(network_patience);
  ByteBuffer answer;
  const bool answered = probe.wire.write(bytes, deadline) && probe.wire.read(answer, deadline);
  if (answered && answer.size() == 1 && (answer[0] == 'S' || answer[0] == 'N'))
    return static_cast<char>(answer[0]);
  Finding found =
      problem("L09", "What answers on " + probe.where() + " does not speak PostgreSQL's protocol.",
              {{"answer to SSLRequest", answered                 ? first_bytes(answer)
                                        : probe.wire.timed_out() ? "(nothing in 5 s)"
                                                                 : "(the connection was closed)"}},
              {"databases." + probe.target.database.name + ".host and .port: those of the database"});
  found.causes = {"another service listens there", "a proxy that expects a header of the PROXY protocol",
                  "a server that starts or stops"};
  probe.stop(std::move(found), "the server does not speak PostgreSQL's protocol");
  return 0;
}

}  // namespace

bool start_tls(Probe& probe) {
  const config::ServerTls& tls = probe.target.database.tls;
  if (tls.mode == config::TlsMode::disable) {
    for (const char* const id : {"L08", "L09", "L10", "L11", "L12"})
      probe.report(not_evaluated(id, "tls.mode is disable"));
    return true;
  }
  if (!tls.direct) {
    const char letter = ask_for_tls(probe);
    if (letter == 0) return false;
    probe.report(passed("L09", "The server speaks PostgreSQL's protocol."));
    if (letter == 'N' && tls.mode == config::TlsMode::prefer) {
      probe.report(passed("L08", "The server has no TLS, and tls.mode is prefer."));
      return true;
    }
    if (letter == 'N')
      return probe.stop(
          problem("L08", "The server refuses TLS, which RDS never does.", {{"answer to SSLRequest", "N"}},
                  {"databases." + probe.target.database.name + ".host: the database itself",
                   "databases." + probe.target.database.name + ".tls.mode: disable, if it really has none"}),
          "the server refuses TLS");
    probe.report(passed("L08", "The server has TLS."));
  }
  TlsProblem trouble;
  const TlsClientRef context = load_tls_client(tls, probe.target.database.host, trouble);
  if (!context)
    return probe.stop(problem("L10", "tls." + trouble.key + " " + trouble.message, {}, {}), "no trust");
  const std::string why =
      probe.wire.start_tls(context->context.get(), probe.target.database.host, in(network_patience));
  if (!why.empty())
    return probe.stop(problem("L10", "The TLS handshake fails.", {{"handshake", why}}, {}),
                      "the TLS handshake fails");
  if (tls.mode == config::TlsMode::verify_ca || tls.mode == config::TlsMode::verify_full)
    return judge_certificate(probe, tls.mode == config::TlsMode::verify_full);
  for (const char* const id : {"L10", "L11", "L12"})
    probe.report(not_evaluated(id, "tls.mode looks at no certificate; verify-full would"));
  return true;
}

}  // namespace pgweir::doctor
