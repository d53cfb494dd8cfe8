// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/legacy.h"

#include <openssl/err.h>
#include <openssl/provider.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "core/crypto/fetched.h"

namespace postern {
namespace {

std::atomic<bool>& Allowed() {
  static std::atomic<bool> allowed = false;
  return allowed;
}

// Beside the provider that libcrypto takes by itself, which "try_load" with
// this 1 keeps. Where there is none, fetching DES fails, and CheckUsable() says
// so; 3DES and MD5 need none.
void LoadProvider() {
  struct Unload {
    void operator()(OSSL_PROVIDER* provider) const {
      ::OSSL_PROVIDER_unload(provider);
    }
  };

  static const std::unique_ptr<OSSL_PROVIDER, Unload> provider(
      ::OSSL_PROVIDER_try_load(nullptr, "legacy", 1));
  ::ERR_clear_error();
}

Status CheckStatus(std::string_view name, Rfc8221 status) {
  if (!IsLegacy(status) || LegacyIsAllowed()) {
    return Ok();
  }
  return Error{ErrorCode::kForbidden,
               std::string(name) + " " + std::string(NameOf(status)) +
                   " be used (RFC 8221): choose \"aes-gcm-16\" or "
                   "\"hmac-sha2-256-128\", or, for a peer that has nothing "
                   "else, set legacy = true under [crypto] in the "
                   "configuration"};
}

// Whatever the backend: each asks libcrypto for some of it.
bool IsThere(Integrity algorithm) {
  const IntegrityInfo& info = InfoOf(algorithm);
  switch (info.kind) {
    case IntegrityInfo::Kind::kNone:
      return true;
    case IntegrityInfo::Kind::kHmac:
      return FetchedDigest(algorithm) != nullptr;
    case IntegrityInfo::Kind::kBlockMac:
      return FetchedCipher(Encryption::kAesCbc, info.key) != nullptr;
    case IntegrityInfo::Kind::kGmac:
      return FetchedCipher(Encryption::kAesGcm16, info.key) != nullptr;
  }
  return false;
}

}  // namespace

void ChooseLegacy(LegacyChoice choice) {
  if (choice == LegacyChoice::kAllow) {
    LoadProvider();
  }
  Allowed().store(choice == LegacyChoice::kAllow, std::memory_order_release);
}

bool LegacyIsAllowed() {
  return Allowed().load(std::memory_order_acquire);
}

Status CheckAllowed(Encryption algorithm) {
  const EncryptionInfo& info = InfoOf(algorithm);
  return CheckStatus(info.name, info.status);
}

Status CheckAllowed(Integrity algorithm) {
  const IntegrityInfo& info = InfoOf(algorithm);
  return CheckStatus(info.name, info.status);
}

Status CheckUsable(Encryption algorithm) {
  const EncryptionInfo& info = InfoOf(algorithm);
  if (Status allowed = CheckAllowed(algorithm); !allowed.ok()) {
    return allowed;
  }
  if (info.kind == EncryptionInfo::Kind::kNull ||
      FetchedCipher(algorithm, info.key_sizes.front()) != nullptr) {
    return Ok();
  }
  return Error{
      ErrorCode::kUnsupported,
      "libcrypto has no " + std::string(info.name) + " on this machine" +
          (algorithm == Encryption::kDesCbc
               ? ": it needs OpenSSL's legacy provider (legacy.so), which is "
                 "not installed or does not load; install it, or choose "
                 "another algorithm"
               : "; check which providers its configuration loads")};
}

Status CheckUsable(Integrity algorithm) {
  if (Status allowed = CheckAllowed(algorithm); !allowed.ok()) {
    return allowed;
  }
  if (IsThere(algorithm)) {
    return Ok();
  }
  return Error{ErrorCode::kUnsupported,
               "libcrypto has not what " + std::string(InfoOf(algorithm).name) +
                   " is made of on this machine; check which providers its "
                   "configuration loads"};
}

}  // namespace postern
