// SPDX-License-Identifier: Apache-2.0
//
// A Burst is a short list on the stack, for work that is gathered, done at once
// and forgotten. Its room is not cleared, so that a burst of one costs what one
// element costs.
//
// Thread safety: Worker-confined. Cost: no allocation.

#ifndef POSTERN_CORE_BURST_H_
#define POSTERN_CORE_BURST_H_

#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace postern {

// What transforms take at once; longer runs are cut. Twice the lanes of the
// widest CPU, so that its multi-buffer ciphers refill a lane that is done.
inline constexpr std::size_t kBurst = 32;

template <typename T, std::size_t kCapacity = kBurst>
class Burst {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Burst() {}  // NOLINT(modernize-use-equals-default): leaves the room as it is

  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  // Without parts the content of a plain T is undefined.
  // REQUIRES: size() < kCapacity. Checked in every build.
  template <typename... Parts>
  T& Push(Parts&&... parts) {
    if (size_ == kCapacity) {
      std::abort();
    }
    void* const place = room_.elements + size_++;
    if constexpr (sizeof...(Parts) == 0) {
      return *::new (place) T;
    } else {
      return *::new (place) T{std::forward<Parts>(parts)...};
    }
  }

  std::size_t size() const { return size_; }

  bool empty() const { return size_ == 0; }

  void Clear() { size_ = 0; }

  T& operator[](std::size_t index) { return elements()[index]; }

  std::span<T> elements() { return {room_.elements, size_}; }

  T* begin() { return room_.elements; }

  T* end() { return room_.elements + size_; }

 private:
  union Room {
    Room() {}  // NOLINT(modernize-use-equals-default): as above

    T elements[kCapacity];
  };

  Room room_;
  std::size_t size_ = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_BURST_H_
