// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/secret_bytes.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <optional>
#include <string>
#include <utility>

namespace postern {
namespace {

std::optional<std::uint8_t> DigitOf(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint8_t>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint8_t>(lower - 'a' + 10);
  }
  return std::nullopt;
}

Error NotHex() {
  return Invalid(
      "a key must be an even number of hexadecimal digits, optionally behind "
      "0x");
}

}  // namespace

SecretBytes::SecretBytes(ConstBytes octets)
    : octets_(octets.begin(), octets.end()) {}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : octets_(std::exchange(other.octets_, {})) {}

SecretBytes& SecretBytes::operator=(SecretBytes other) noexcept {
  octets_.swap(other.octets_);
  return *this;
}

SecretBytes::~SecretBytes() {
  Cleanse(octets_);
}

Result<SecretBytes> SecretBytes::FromHex(std::string_view hex) {
  if (hex.starts_with("0x") || hex.starts_with("0X")) {
    hex.remove_prefix(2);
  }
  if (hex.size() % 2 != 0) {
    return NotHex();
  }
  SecretBytes secret;
  secret.octets_.resize(hex.size() / 2);  // never grows: no copy stays behind
  for (std::size_t i = 0; i < secret.octets_.size(); ++i) {
    const std::optional<std::uint8_t> high = DigitOf(hex[2 * i]);
    const std::optional<std::uint8_t> low = DigitOf(hex[2 * i + 1]);
    if (!high || !low) {
      return NotHex();
    }
    secret.octets_[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return secret;
}

void Cleanse(Bytes octets) {
  ::OPENSSL_cleanse(octets.data(), octets.size());
}

bool ConstantTimeEqual(ConstBytes a, ConstBytes b) {
  return a.size() == b.size() &&
         ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Status FillRandom(Bytes octets) {
  // libcrypto takes an int; nobody asks for that much.
  if (octets.size() > 1U << 20) {
    return Invalid("ask for at most 1 MiB of random octets at once");
  }
  if (::RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1) {
    ::ERR_clear_error();
    return Error{ErrorCode::kSystem,
                 "the random generator failed; restart the program when the "
                 "system has entropy"};
  }
  return Ok();
}

}  // namespace postern
