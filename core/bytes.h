// SPDX-License-Identifier: Apache-2.0
//
// Octet spans, big-endian loads and stores, and cursors.
//
// Everything read from outside goes through a Reader: each step may fail, and
// no caller computes an offset. Loads and stores at a known place in a header
// whose bounds were proven go through LoadBe and StoreBe.
//
// Thread safety: plain values.

#ifndef POSTERN_CORE_BYTES_H_
#define POSTERN_CORE_BYTES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace postern {

using ConstBytes = std::span<const std::uint8_t>;
using Bytes = std::span<std::uint8_t>;

// The number whose octets stand in memory in network order as `value`.
template <typename T>
requires std::is_unsigned_v<T>

constexpr T FromBigEndian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

// REQUIRES: at.size() >= sizeof(T).
template <typename T>
requires std::is_unsigned_v<T>

inline T LoadBe(ConstBytes at) {
  T value = 0;
  std::memcpy(&value, at.first(sizeof(T)).data(), sizeof(T));
  return FromBigEndian(value);
}

// REQUIRES: at.size() >= sizeof(T).
template <typename T>
requires std::is_unsigned_v<T>

inline void StoreBe(Bytes at, T value) {
  value = FromBigEndian(value);  // which is its own inverse
  std::memcpy(at.first(sizeof(T)).data(), &value, sizeof(T));
}

// Copies `from` to the start of `to`; the two may overlap.
// REQUIRES: to.size() >= from.size().
inline void CopyBytes(Bytes to, ConstBytes from) {
  if (!from.empty()) {
    std::memmove(to.first(from.size()).data(), from.data(), from.size());
  }
}

// A Reader walks over octets that nobody has checked yet.
//
//     Reader in(octets);
//     auto type = in.Read<std::uint8_t>();
//     auto body = in.Take(4);
//     if (!type || !body) { return DropReason::kTruncated; }
class Reader {
 public:
  explicit Reader(ConstBytes octets) : rest_(octets) {}

  template <typename T>
  std::optional<T> Read() {
    if (rest_.size() < sizeof(T)) {
      return std::nullopt;
    }
    const T value = LoadBe<T>(rest_);
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }

  std::optional<ConstBytes> Take(std::size_t count) {
    if (rest_.size() < count) {
      return std::nullopt;
    }
    const ConstBytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  ConstBytes rest() const { return rest_; }

  bool empty() const { return rest_.empty(); }

 private:
  ConstBytes rest_;
};

// A Writer fills a buffer of fixed size; after the first write that does not
// fit, ok() is false and nothing more is written.
class Writer {
 public:
  explicit Writer(Bytes room) : room_(room) {}

  template <typename T>
  void Write(T value) {
    if (Claim(sizeof(T))) {
      StoreBe<T>(room_.subspan(used_ - sizeof(T)), value);
    }
  }

  void Put(ConstBytes octets) {
    if (Claim(octets.size())) {
      CopyBytes(room_.subspan(used_ - octets.size()), octets);
    }
  }

  bool ok() const { return ok_; }

  Bytes written() const { return room_.first(used_); }

 private:
  bool Claim(std::size_t count) {
    ok_ = ok_ && room_.size() - used_ >= count;
    used_ += ok_ ? count : 0;
    return ok_;
  }

  Bytes room_;
  std::size_t used_ = 0;
  bool ok_ = true;
};

}  // namespace postern

#endif  // POSTERN_CORE_BYTES_H_
