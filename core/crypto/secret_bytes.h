// SPDX-License-Identifier: Apache-2.0
//
// SecretBytes holds key material. The memory is overwritten when it is given
// back; the content is never printed and never compared with ==.
//
// Thread safety: thread-compatible.

#ifndef POSTERN_CORE_CRYPTO_SECRET_BYTES_H_
#define POSTERN_CORE_CRYPTO_SECRET_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/bytes.h"
#include "core/error.h"

namespace postern {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(ConstBytes octets);
  SecretBytes(const SecretBytes& other) = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes other) noexcept;
  ~SecretBytes();

  // Hexadecimal digits, upper or lower case, optionally behind "0x".
  // Errors: kInvalid; the message never quotes the text.
  static Result<SecretBytes> FromHex(std::string_view hex);

  ConstBytes octets() const { return octets_; }

  std::size_t size() const { return octets_.size(); }

  bool empty() const { return octets_.empty(); }

 private:
  std::vector<std::uint8_t> octets_;
};

// Overwrites memory in a way that the compiler does not remove.
void Cleanse(Bytes octets);

// The same for a whole object, its padding too.
template <typename T>
requires std::is_trivially_copyable_v<T>

void CleanseObject(T& object) {
  Cleanse({reinterpret_cast<std::uint8_t*>(&object), sizeof(T)});  // NOLINT
}

// Equal in content and length; the time taken tells nothing about the content.
bool ConstantTimeEqual(ConstBytes a, ConstBytes b);

// Fills `octets` from the operating system's generator by way of libcrypto.
// Errors: kSystem when the generator fails; nothing may then be sealed.
Status FillRandom(Bytes octets);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_SECRET_BYTES_H_
