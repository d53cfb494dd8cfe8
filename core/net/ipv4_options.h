// SPDX-License-Identifier: Apache-2.0
//
// Ipv4Options walks over the options of one IPv4 header (RFC 791 3.1).
//
//     Ipv4Options options(header.subspan(20));
//     for (;;) {
//       const Opinion<std::optional<Ipv4Option>> next = options.Next();
//       if (!next.ok()) { return next.error(); }   // a length that cannot be
//       if (!next->has_value()) { break; }         // the end
//       ... (*next)->type, (*next)->octets ...
//     }
//
//        0        1        2                    offset + length
//     +--------+--------+-------- ... --------+
//     |  type  | length |        data         |     one option
//     +--------+--------+-------- ... --------+
//     No-operation (1) and end of list (0) are one octet. Behind an end of
//     list comes padding, which is not looked at.
//
// Every step moves forward by at least one octet and never past the end, so a
// walk over the at most 40 octets always ends.
//
// Thread safety: a plain value; it borrows the octets. No allocation.

#ifndef POSTERN_CORE_NET_IPV4_OPTIONS_H_
#define POSTERN_CORE_NET_IPV4_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/drop_reason.h"

namespace postern {

// IANA "IP Option Numbers", those that anybody here asks for.
enum class Ipv4OptionType : std::uint8_t {
  kEndOfList = 0,
  kNoOperation = 1,
  kSecurity = 130,
  kLooseSourceRoute = 131,
  kExtendedSecurity = 133,
  kCommercialSecurity = 134,
  kStrictSourceRoute = 137,
  kRouterAlert = 148,
  kSenderDirectedMulticast = 149,
};

constexpr std::uint8_t Number(Ipv4OptionType type) {
  return static_cast<std::uint8_t>(type);
}

struct Ipv4Option {
  std::uint8_t type = 0;   // the whole octet: copied flag, class and number
  std::size_t offset = 0;  // of the type octet, from the first option
  ConstBytes octets;       // the whole option, type and length included

  // The octets behind type and length.
  ConstBytes data() const {
    return octets.size() > 2 ? octets.subspan(2) : ConstBytes();
  }
};

class Ipv4Options {
 public:
  // `options` is what stands between the 20 fixed octets and IHL * 4.
  explicit Ipv4Options(ConstBytes options) : options_(options) {}

  // The next option, the end of list itself included; nothing behind the last.
  // Errors: kBadIpOption: the length is missing, 0, 1 or reaches past the end.
  // After an error the walk is over.
  Opinion<std::optional<Ipv4Option>> Next();

 private:
  ConstBytes options_;
  std::size_t offset_ = 0;
};

// Walks over all options. Errors: kBadIpOption.
Passage CheckIpv4Options(ConstBytes options);

}  // namespace postern

#endif  // POSTERN_CORE_NET_IPV4_OPTIONS_H_
