// SPDX-License-Identifier: Apache-2.0

#include "state/key_fingerprint.h"

#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/algorithm.h"
#include "core/crypto/mac_context.h"
#include "core/crypto/secret_bytes.h"
#include "sadb/sa_algorithms.h"

namespace postern {
namespace {

// A part of variable length behind its own length, so that no two lists of
// parts read the same.
void Put(std::vector<std::uint8_t>& out, ConstBytes part) {
  std::array<std::uint8_t, 4> length{};
  StoreBe<std::uint32_t>(length, static_cast<std::uint32_t>(part.size()));
  out.insert(out.end(), length.begin(), length.end());
  out.insert(out.end(), part.begin(), part.end());
}

void Put(std::vector<std::uint8_t>& out, std::string_view part) {
  Put(out, std::vector<std::uint8_t>(part.begin(), part.end()));
}

}  // namespace

Result<KeyFingerprint> FingerprintOf(const SaParameters& parameters,
                                     const SecretBytes& secret) {
  Result<MacContext> mac = MacContext::Create(
      Integrity::kHmacSha2_256_128, secret.octets(), CryptoBackend::kLibcrypto);
  if (!mac.ok()) {
    return mac.error();
  }
  // Names and not enumerators: what is on disk outlives their order.
  std::vector<std::uint8_t> place;
  ConstBytes encryption_key = parameters.encryption_key.octets();
  ConstBytes integrity_key = parameters.integrity_key.octets();
  if (const ConstBytes alone = CounterMaterial(parameters); !alone.empty()) {
    encryption_key = alone;
    integrity_key = {};
  } else {
    Put(place, std::to_string(static_cast<unsigned>(parameters.protocol)));
    Put(place, InfoOf(parameters.encryption).name);
    Put(place, InfoOf(parameters.integrity).name);
    Put(place, std::to_string(Number(parameters.spi)));
    Put(place, parameters.destination.octets());
  }
  std::array<std::uint8_t, 8> key_sizes{};
  StoreBe<std::uint32_t>(Bytes(key_sizes).first(4),
                         static_cast<std::uint32_t>(encryption_key.size()));
  StoreBe<std::uint32_t>(Bytes(key_sizes).last(4),
                         static_cast<std::uint32_t>(integrity_key.size()));

  std::vector<std::uint8_t> message;
  // Never grows: no copy of a key stays behind.
  message.reserve(key_sizes.size() + encryption_key.size() +
                  integrity_key.size() + place.size());
  for (const ConstBytes part : {ConstBytes(key_sizes), encryption_key,
                                integrity_key, ConstBytes(place)}) {
    message.insert(message.end(), part.begin(), part.end());
  }
  KeyFingerprint fingerprint;
  const Passage signed_off = mac->Sign(message, fingerprint.octets);
  Cleanse(message);
  if (!signed_off.ok()) {
    return Error{ErrorCode::kSystem,
                 "libcrypto could not compute the key's fingerprint; the SA "
                 "cannot be added without it"};
  }
  return fingerprint;
}

}  // namespace postern
