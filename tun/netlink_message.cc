// SPDX-License-Identifier: Apache-2.0

#include "tun/netlink_message.h"

#include <algorithm>
#include <cerrno>
#include <span>

namespace postern {
namespace {

// Messages and attributes both start on multiples of four.
constexpr std::size_t Aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

ConstBytes Behind(ConstBytes octets, std::size_t count) {
  return octets.subspan(std::min(count, octets.size()));
}

}  // namespace

std::string_view KernelText(ConstBytes octets) {
  const auto* zero = std::find(octets.data(), octets.data() + octets.size(), 0);
  const auto length = static_cast<std::size_t>(zero - octets.data());
  return {static_cast<const char*>(static_cast<const void*>(octets.data())),
          length};
}

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  std::memcpy(octets_.data(), &header, sizeof(header));
}

void NetlinkRequest::Put(ConstBytes octets) {
  ok_ = ok_ && Aligned(octets.size()) <= kRoom - size_;
  if (ok_) {
    CopyBytes(Bytes(octets_).subspan(size_), octets);
    size_ += Aligned(octets.size());
  }
}

void NetlinkRequest::PutAttribute(std::uint16_t type, ConstBytes value) {
  const std::size_t length = sizeof(nlattr) + value.size();
  ok_ = ok_ && Aligned(length) <= kRoom - size_;
  if (!ok_) {
    return;
  }
  PutStruct(nlattr{static_cast<std::uint16_t>(length), type});
  Put(value);
}

void NetlinkRequest::PutAttribute(std::uint16_t type, std::string_view text) {
  const auto* octets =
      static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
  PutAttribute(type, ConstBytes(octets, text.size()));
}

std::size_t NetlinkRequest::BeginNest(std::uint16_t type) {
  const std::size_t nest = size_;
  PutAttribute(type, ConstBytes());
  return nest;
}

void NetlinkRequest::EndNest(std::size_t nest) {
  if (ok_) {
    const auto length = static_cast<std::uint16_t>(size_ - nest);
    std::memcpy(octets_.data() + nest, &length, sizeof(length));
  }
}

ConstBytes NetlinkRequest::Finish(std::uint32_t sequence) {
  nlmsghdr header{};
  std::memcpy(&header, octets_.data(), sizeof(header));
  header.nlmsg_len = static_cast<std::uint32_t>(size_);
  header.nlmsg_seq = sequence;
  std::memcpy(octets_.data(), &header, sizeof(header));
  return ConstBytes(octets_).first(size_);
}

std::optional<NetlinkMessage> NetlinkMessages::Next() {
  const auto header = LoadKernelStruct<nlmsghdr>(rest_);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) ||
      header->nlmsg_len > rest_.size()) {
    rest_ = {};
    return std::nullopt;
  }
  const ConstBytes whole = rest_.first(header->nlmsg_len);
  rest_ = Behind(rest_, Aligned(header->nlmsg_len));
  return NetlinkMessage{*header, whole.subspan(sizeof(nlmsghdr))};
}

NetlinkAttributes::NetlinkAttributes(ConstBytes body, std::size_t skip)
    : rest_(Behind(body, Aligned(skip))) {}

std::optional<NetlinkAttribute> NetlinkAttributes::Next() {
  const auto header = LoadKernelStruct<nlattr>(rest_);
  if (!header || header->nla_len < sizeof(nlattr) ||
      header->nla_len > rest_.size()) {
    rest_ = {};
    return std::nullopt;
  }
  constexpr std::uint16_t kTypeMask = 0x3fff;
  const ConstBytes whole = rest_.first(header->nla_len);
  rest_ = Behind(rest_, Aligned(header->nla_len));
  return NetlinkAttribute{
      static_cast<std::uint16_t>(header->nla_type & kTypeMask),
      whole.subspan(sizeof(nlattr))};
}

NetlinkRefusal RefusalOf(const NetlinkMessage& message) {
  const auto error = LoadKernelStruct<nlmsgerr>(message.body);
  if (!error) {
    return {EPROTO, {}};
  }
  NetlinkRefusal refusal{-error->error, {}};
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
    return refusal;
  }
  // Behind nlmsgerr stands our own request, unless NLM_F_CAPPED left it out.
  const bool capped = (message.header.nlmsg_flags & NLM_F_CAPPED) != 0;
  const std::size_t quoted =
      capped ? 0 : std::size_t{error->msg.nlmsg_len} - sizeof(nlmsghdr);
  NetlinkAttributes attributes(message.body, sizeof(nlmsgerr) + quoted);
  while (const auto attribute = attributes.Next()) {
    if (attribute->type == NLMSGERR_ATTR_MSG) {
      refusal.words = KernelText(attribute->value);
    }
  }
  return refusal;
}

}  // namespace postern
