// SPDX-License-Identifier: Apache-2.0
//
// An Identity names an endpoint of a security association as key management
// knows it: the identification payloads of IKE (RFC 7296 3.5), the identity
// extensions of PF_KEY (RFC 2367 2.3.4), and the certificates of the draft's
// section 4.
//
//     type        text
//     prefix      10.9.2.0/24, 2001:db8::1/128; an address alone is one of it
//     fqdn        host.example
//     user_fqdn   user@host.example
//     x509_dn     CN=host,O=Example (RFC 4514)
//     key_id      anything printable
//
// The text is brought into one form when the identity is made (domain names in
// small letters without a dot at the end, prefixes with their length), so that
// two identities are the same exactly if they compare equal. Distinguished
// names and key ids are compared octet by octet.
//
// Thread safety: a plain value.

#ifndef POSTERN_CORE_IDENTITY_H_
#define POSTERN_CORE_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace postern {

enum class IdentityType : std::uint8_t {
  kPrefix = 1,
  kFqdn = 2,
  kUserFqdn = 3,
  kX509Dn = 4,
  kKeyId = 5,
};

// "prefix", "fqdn", "user_fqdn", "x509_dn", "key_id".
std::string_view NameOf(IdentityType type);

class Identity {
 public:
  static constexpr std::size_t kMostOctets = 255;

  // Errors: kInvalid: empty, too long, control characters, or not of this type.
  static Result<Identity> Make(IdentityType type, std::string_view text);

  // "fqdn:host.example". Errors: as Make(); kInvalid without such a type.
  static Result<Identity> Parse(std::string_view text);

  IdentityType type() const { return type_; }

  const std::string& text() const { return text_; }

  // As Parse() reads it.
  std::string ToString() const;

  friend bool operator==(const Identity&, const Identity&) = default;

 private:
  Identity(IdentityType type, std::string text)
      : type_(type), text_(std::move(text)) {}

  IdentityType type_;
  std::string text_;
};

}  // namespace postern

#endif  // POSTERN_CORE_IDENTITY_H_
