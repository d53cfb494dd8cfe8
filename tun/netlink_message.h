// SPDX-License-Identifier: Apache-2.0
//
// Netlink messages as octets (RFC 3549 section 2.2): a builder for what we ask
// and readers for what the kernel answers.
//
//     | nlmsghdr | family's struct | attribute | attribute | ... |
//     0          16                ^ 4-aligned
//
//     attribute: | length 2 | type 2 | value | pad to 4 |
//
// All numbers are in host order, as the kernel speaks them. The readers trust
// nothing: a length that does not fit ends the walk.
//
// Thread safety: plain values. Cost: no allocation.

#ifndef POSTERN_TUN_NETLINK_MESSAGE_H_
#define POSTERN_TUN_NETLINK_MESSAGE_H_

#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "core/bytes.h"

namespace postern {

// A kernel struct from the front of `octets`; nothing if they are too few.
template <typename T>

requires std::is_trivially_copyable_v<T> std::optional<T> LoadKernelStruct(
    ConstBytes octets) {
  if (octets.size() < sizeof(T)) {
    return std::nullopt;
  }
  T value{};
  std::memcpy(&value, octets.data(), sizeof(T));
  return value;
}

// The octets up to the first zero, or all of them.
std::string_view KernelText(ConstBytes octets);

// One request, built front to back:
//
//     NetlinkRequest request(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK);
//     request.PutStruct(ifaddrmsg{...});
//     request.PutAttribute(IFA_LOCAL, address.octets());
//
// What does not fit makes ok() false and is left out.
class NetlinkRequest {
 public:
  NetlinkRequest(std::uint16_t type, std::uint16_t flags);

  template <typename T>
  requires std::is_trivially_copyable_v<T>

  void PutStruct(const T& value) {
    std::array<std::uint8_t, sizeof(T)> octets{};
    std::memcpy(octets.data(), &value, sizeof(T));
    Put(octets);
  }

  void PutAttribute(std::uint16_t type, ConstBytes value);
  void PutAttribute(std::uint16_t type, std::string_view text);

  // A number as the kernel wants it: `T` says how wide.
  template <typename T>
  requires std::is_unsigned_v<T>

  void PutNumber(std::uint16_t type, T value) {
    std::array<std::uint8_t, sizeof(T)> octets{};
    std::memcpy(octets.data(), &value, sizeof(T));
    PutAttribute(type, octets);
  }

  // Attributes put between Begin and End are inside this one.
  [[nodiscard]] std::size_t BeginNest(std::uint16_t type);
  void EndNest(std::size_t nest);

  bool ok() const { return ok_; }

  // The finished message, numbered.
  ConstBytes Finish(std::uint32_t sequence);

 private:
  static constexpr std::size_t kRoom = 512;

  void Put(ConstBytes octets);

  std::array<std::uint8_t, kRoom> octets_{};
  std::size_t size_ = sizeof(nlmsghdr);
  bool ok_ = true;
};

struct NetlinkMessage {
  nlmsghdr header;
  ConstBytes body;
};

// Walks the messages of one datagram.
class NetlinkMessages {
 public:
  explicit NetlinkMessages(ConstBytes datagram) : rest_(datagram) {}

  std::optional<NetlinkMessage> Next();

 private:
  ConstBytes rest_;
};

struct NetlinkAttribute {
  std::uint16_t type;  // without the nested and byte-order flags
  ConstBytes value;
};

// Walks the attributes behind a family's struct of `skip` octets.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(ConstBytes body, std::size_t skip = 0);

  std::optional<NetlinkAttribute> Next();

 private:
  ConstBytes rest_;
};

// What an NLMSG_ERROR says: 0 (an acknowledgement) or an errno, and the
// kernel's own words where it has some (NETLINK_EXT_ACK).
struct NetlinkRefusal {
  int errno_value = 0;
  std::string_view words;
};

// REQUIRES: message.header.nlmsg_type == NLMSG_ERROR.
NetlinkRefusal RefusalOf(const NetlinkMessage& message);

}  // namespace postern

#endif  // POSTERN_TUN_NETLINK_MESSAGE_H_
