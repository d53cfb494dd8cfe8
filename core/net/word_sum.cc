// SPDX-License-Identifier: Apache-2.0

#include "core/net/word_sum.h"

#include <cstddef>
#include <cstring>

namespace postern {
namespace {

// Adds with the end-around carry.
std::uint64_t Plus(std::uint64_t sum, std::uint64_t more) {
  sum += more;
  return sum + (sum < more ? 1 : 0);
}

template <typename Word>
Word Load(const std::uint8_t* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// The sum of less than a vector, added to `sum`.
std::uint64_t AddTail(std::uint64_t sum, ConstBytes octets) {
  const std::uint8_t* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 8; left -= 8, at += 8) {
    sum = Plus(sum, Load<std::uint64_t>(at));
  }
  if (left >= 4) {
    sum = Plus(sum, Load<std::uint32_t>(at));
    left -= 4;
    at += 4;
  }
  if (left >= 2) {
    sum = Plus(sum, Load<std::uint16_t>(at));
    left -= 2;
    at += 2;
  }
  if (left == 1) {
    std::uint16_t last = 0;
    std::memcpy(&last, at, 1);
    sum = Plus(sum, last);
  }
  return sum;
}

#if defined(__x86_64__)

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") != 0;
}

using Lanes [[gnu::vector_size(32)]] = std::uint64_t;

// The low and the high halves of four words each, in lanes of 64 bits: nothing
// overflows before 2^32 vectors. `kCopies` is known when this is compiled.
template <bool kCopies>
[[gnu::target("avx2")]] std::uint16_t SumByAvx2(std::uint8_t* to,
                                                ConstBytes from) {
  constexpr std::size_t kStride = 2 * sizeof(Lanes);
  const std::uint8_t* at = from.data();
  std::size_t left = from.size();
  Lanes low_a{};
  Lanes high_a{};
  Lanes low_b{};
  Lanes high_b{};
  for (; left >= kStride; left -= kStride, at += kStride) {
    Lanes a;
    Lanes b;
    std::memcpy(&a, at, sizeof(a));
    std::memcpy(&b, at + sizeof(a), sizeof(b));
    if constexpr (kCopies) {
      std::memcpy(to, &a, sizeof(a));
      std::memcpy(to + sizeof(a), &b, sizeof(b));
      to += kStride;
    }
    low_a += a & 0xffffffff;
    high_a += a >> 32;
    low_b += b & 0xffffffff;
    high_b += b >> 32;
  }
  const Lanes all = low_a + high_a + low_b + high_b;
  if constexpr (kCopies) {
    std::memcpy(to, at, left);
  }
  return FoldWords(AddTail(all[0] + all[1] + all[2] + all[3], {at, left}));
}

#endif

}  // namespace

std::uint16_t SumWordsPortably(ConstBytes octets) {
  constexpr std::size_t kStride = 32;
  // Four independent chains of carries.
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  std::uint64_t d = 0;
  while (octets.size() >= kStride) {
    a = Plus(a, Load<std::uint64_t>(octets.data()));
    b = Plus(b, Load<std::uint64_t>(octets.data() + 8));
    c = Plus(c, Load<std::uint64_t>(octets.data() + 16));
    d = Plus(d, Load<std::uint64_t>(octets.data() + 24));
    octets = octets.subspan(kStride);
  }
  return FoldWords(AddTail(Plus(Plus(a, b), Plus(c, d)), octets));
}

std::uint16_t CopyAndSumWordsPortably(Bytes to, ConstBytes from) {
  CopyBytes(to, from);
  return SumWordsPortably(from);
}

std::uint16_t SumWords(ConstBytes octets) {
#if defined(__x86_64__)
  if (HasAvx2()) {
    return SumByAvx2<false>(nullptr, octets);
  }
#endif
  return SumWordsPortably(octets);
}

std::uint16_t CopyAndSumWords(Bytes to, ConstBytes from) {
#if defined(__x86_64__)
  if (HasAvx2() && !from.empty()) {
    return SumByAvx2<true>(to.first(from.size()).data(), from);
  }
#endif
  return CopyAndSumWordsPortably(to, from);
}

}  // namespace postern
