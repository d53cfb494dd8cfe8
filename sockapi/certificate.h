// SPDX-License-Identifier: Apache-2.0
//
// The certificates and the status of <postern/ipsec.h>, as values of the
// daemon's protocol, whose enums are its own (control/wish_protocol.h).
//
// Thread safety: plain values.

#ifndef POSTERN_SOCKAPI_CERTIFICATE_H_
#define POSTERN_SOCKAPI_CERTIFICATE_H_

#include <postern/ipsec.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "control/wish_protocol.h"
#include "sockapi/level_option.h"

namespace postern {

static_assert(CERTIFICATE_NONE == static_cast<int>(WishIdentity::kAbsent));
static_assert(CERTIFICATE_PREFIX == static_cast<int>(WishIdentity::kPrefix));
static_assert(CERTIFICATE_FQDN == static_cast<int>(WishIdentity::kFqdn));
static_assert(CERTIFICATE_USER_FQDN ==
              static_cast<int>(WishIdentity::kUserFqdn));
static_assert(CERTIFICATE_X509_DN == static_cast<int>(WishIdentity::kX509Dn));
static_assert(CERTIFICATE_KEY_ID == static_cast<int>(WishIdentity::kKeyId));
static_assert(CERTIFICATE_TEXT_SIZE == kMostWishText + 1);

// False, and `request` is not to be sent: no type of ours, a text without an
// end, a type without a text.
inline bool TakeCertificate(const certificate_info_t& certificate,
                            WishRequest& request) {
  if (certificate.type < CERTIFICATE_NONE ||
      certificate.type > CERTIFICATE_KEY_ID) {
    return false;
  }
  request.identity = static_cast<WishIdentity>(certificate.type);
  if (certificate.type == CERTIFICATE_NONE) {
    return true;
  }
  std::size_t size = 0;
  while (size < CERTIFICATE_TEXT_SIZE && certificate.text[size] != '\0') {
    ++size;
  }
  return size != 0 && size < CERTIFICATE_TEXT_SIZE &&
         request.text.Assign({&certificate.text[0], size});
}

// Cut where there is no room; always with a NUL.
template <std::size_t kSize>
void StoreText(const WishText& from, char (&to)[kSize]) {
  std::size_t at = 0;
  for (const char c : from.view()) {
    if (at + 1 < kSize) {
      to[at++] = c;
    }
  }
  to[at] = '\0';
}

inline void StoreCertificate(WishIdentity type, const WishText& text,
                             certificate_info_t& to) {
  to.type = static_cast<int>(type);
  StoreText(text, to.text);
}

inline void StoreCategory(const WishStatus& from, ipsec_category_status& to) {
  to.level = ValueOf(from.level);
  to.spi_out = from.spi_out;
  to.spi_in = from.spi_in;
  to.key_bits = from.key_bits;
  StoreText(from.algorithms, to.algorithms);
  StoreCertificate(from.identity, from.peer, to.peer);
}

}  // namespace postern

#endif  // POSTERN_SOCKAPI_CERTIFICATE_H_
