// SPDX-License-Identifier: Apache-2.0

#include "core/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cstdlib>

namespace postern {
namespace {

// SipHash reads its words in little-endian order.
std::uint64_t LoadWord(ConstBytes at) {
  std::uint64_t word = 0;
  for (std::size_t i = at.size(); i > 0; --i) {
    word = (word << 8) | at[i - 1];
  }
  return word;
}

std::uint64_t LoadWholeWord(ConstBytes at) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t word = 0;
    std::memcpy(&word, at.data(), sizeof(word));
    return word;
  }
  return LoadWord(at.first(sizeof(std::uint64_t)));
}

class SipState {
 public:
  explicit SipState(const HashKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  void Absorb(std::uint64_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
  }

  std::uint64_t Finish() {
    v2_ ^= 0xff;
    Round();
    Round();
    Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

}  // namespace

// Linux answers requests of up to 256 octets wholly, once its generator is
// ready. Without randomness there is no safe table to go on with.
HashKey RandomHashKey() {
  HashKey key;
  if (::getrandom(&key, sizeof(key), 0) != sizeof(key)) {
    std::abort();
  }
  return key;
}

std::uint64_t SipHash13(const HashKey& key, ConstBytes octets) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  SipState state(key);
  const std::uint64_t length = octets.size() & 0xff;
  while (octets.size() >= kWord) {
    state.Absorb(LoadWholeWord(octets));
    octets = octets.subspan(kWord);
  }
  state.Absorb((length << 56) | LoadWord(octets));
  return state.Finish();
}

std::uint64_t KeyedHash(ConstBytes octets) {
  static const HashKey key = RandomHashKey();
  return SipHash13(key, octets);
}

}  // namespace postern
