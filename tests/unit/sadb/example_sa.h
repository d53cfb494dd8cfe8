// SPDX-License-Identifier: Apache-2.0
//
// SAs for the tests of sadb/ and state/, and a sink that writes down what it
// is told.

#ifndef POSTERN_TESTS_UNIT_SADB_EXAMPLE_SA_H_
#define POSTERN_TESTS_UNIT_SADB_EXAMPLE_SA_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/mutex.h"
#include "core/net/ip_address.h"
#include "sadb/sa_events.h"
#include "sadb/sa_parameters.h"

namespace postern {

inline IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

inline IpPrefix Prefix(std::string_view text) {
  return IpPrefix::Parse(text).value();
}

// `size` octets that begin with `number`: distinct keys for distinct numbers.
inline SecretBytes Key(std::size_t size, std::uint32_t number = 0) {
  std::vector<std::uint8_t> octets(size, 0x5a);
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 4); ++i) {
    octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return SecretBytes(octets);
}

// ESP transport with AES-128-GCM, 10.9.0.1 to 10.9.0.2; its key is its SPI's.
inline SaParameters GcmSa(std::uint32_t spi = 0x1011,
                          Direction direction = Direction::kOutbound) {
  SaParameters sa;
  sa.direction = direction;
  sa.spi = Spi{spi};
  sa.source = Address("10.9.0.1");
  sa.destination = Address("10.9.0.2");
  sa.encryption = Encryption::kAesGcm16;
  sa.encryption_key = Key(20, spi);
  return sa;
}

// AH transport with HMAC-SHA2-256-128.
inline SaParameters AhSa(std::uint32_t spi = 0x1011,
                         Direction direction = Direction::kOutbound) {
  SaParameters sa = GcmSa(spi, direction);
  sa.protocol = IpsecProtocol::kAh;
  sa.encryption = Encryption::kNull;
  sa.encryption_key = SecretBytes();
  sa.integrity = Integrity::kHmacSha2_256_128;
  sa.integrity_key = Key(32, spi);
  return sa;
}

// ESP transport with AES-128-CBC and HMAC-SHA1-96.
inline SaParameters CbcSa(std::uint32_t spi = 0x1011,
                          Direction direction = Direction::kOutbound) {
  SaParameters sa = GcmSa(spi, direction);
  sa.encryption = Encryption::kAesCbc;
  sa.encryption_key = Key(16, spi);
  sa.integrity = Integrity::kHmacSha1_96;
  sa.integrity_key = Key(20, spi);
  return sa;
}

// Any moment will do; no test reads a clock.
inline constexpr Instant kStart{std::chrono::hours(1)};

class RecordingSink final : public SaEventSink {
 public:
  bool Post(const SaEvent& event) override {
    const MutexLock lock(mutex_);
    if (refusing_) {
      ++refused_;
      return false;
    }
    events_.push_back(event);
    return true;
  }

  void Refuse() {
    const MutexLock lock(mutex_);
    refusing_ = true;
  }

  void Accept() {
    const MutexLock lock(mutex_);
    refusing_ = false;
  }

  std::size_t refused() const {
    const MutexLock lock(mutex_);
    return refused_;
  }

  std::vector<SaEvent> events() const {
    const MutexLock lock(mutex_);
    return events_;
  }

  std::vector<SaEvent::Kind> kinds() const {
    std::vector<SaEvent::Kind> kinds;
    for (const SaEvent& event : events()) {
      kinds.push_back(event.kind);
    }
    return kinds;
  }

 private:
  mutable Mutex mutex_;
  bool refusing_ POSTERN_GUARDED_BY(mutex_) = false;
  std::size_t refused_ POSTERN_GUARDED_BY(mutex_) = 0;
  std::vector<SaEvent> events_ POSTERN_GUARDED_BY(mutex_);
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_SADB_EXAMPLE_SA_H_
