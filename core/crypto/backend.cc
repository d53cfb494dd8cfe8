// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/backend.h"

#include <openssl/crypto.h>

#include <array>
#include <atomic>

#include "core/crypto/ipsec_mb/engines.h"

namespace postern {
namespace {

// The best last.
constexpr std::array kBackends = {CryptoBackend::kLibcrypto,
                                  CryptoBackend::kIpsecMb};

std::atomic<CryptoBackend>& Chosen() {
  static std::atomic<CryptoBackend> chosen = BestBackend();
  return chosen;
}

}  // namespace

std::span<const CryptoBackend> AllBackends() {
  return kBackends;
}

std::string_view NameOf(CryptoBackend backend) {
  switch (backend) {
    case CryptoBackend::kLibcrypto:
      return "libcrypto";
    case CryptoBackend::kIpsecMb:
      return "ipsec-mb";
  }
  return "";
}

Result<CryptoBackend> FindBackend(std::string_view name) {
  for (const CryptoBackend backend : kBackends) {
    if (NameOf(backend) == name) {
      return backend;
    }
  }
  return Invalid("there is no crypto backend \"" + std::string(name) +
                 "\"; choose \"libcrypto\" or \"ipsec-mb\"");
}

Status CheckBackend(CryptoBackend backend) {
  return backend == CryptoBackend::kIpsecMb ? ipsec_mb::Check() : Ok();
}

CryptoBackend BestBackend() {
  return CheckBackend(kBackends.back()).ok() ? kBackends.back()
                                             : CryptoBackend::kLibcrypto;
}

Status ChooseBackend(CryptoBackend backend) {
  if (const Status there = CheckBackend(backend); !there.ok()) {
    return there;
  }
  Chosen().store(backend, std::memory_order_relaxed);
  return Ok();
}

CryptoBackend ChosenBackend() {
  return Chosen().load(std::memory_order_relaxed);
}

std::string Describe(CryptoBackend backend) {
  return backend == CryptoBackend::kIpsecMb
             ? ipsec_mb::Describe()
             : std::string("OpenSSL ") +
                   ::OpenSSL_version(OPENSSL_VERSION_STRING);
}

}  // namespace postern
