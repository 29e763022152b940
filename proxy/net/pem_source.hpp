// PEM for an SSL_CTX out of a file or, by the name env:VARIABLE, out of the environment. False: what OpenSSL
// says is on its error queue.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace pgweir {

// Uses the first certificate, and those after it as its chain.
bool use_certificate_chain(SSL_CTX* context, const std::string& name);
bool use_private_key(SSL_CTX* context, const std::string& name);
// Trusts these certificates when a peer's is verified.
bool use_authorities(SSL_CTX* context, const std::string& name);
// Tells clients the names of these authorities, so that they can choose among their certificates.
bool announce_authorities(SSL_CTX* context, const std::string& name);

// For OpenSSL's callbacks: without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char* to, int size, int writes, void* user);

}  // namespace pgweir
