// SPDX-License-Identifier: Apache-2.0

#include "state/socket_layout.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace postern {
namespace {

enum Word : std::size_t {
  kNumber,
  kCookie,
  kState,
  kEnds,
  kLocal,
  kRemote = kLocal + 2,
  kWishes = kRemote + 2,
  kWishesNumber,
  kUnused,
};

// In a part.
constexpr std::size_t kNext = 1;
constexpr std::size_t kPartOctetsWord = 3;
static_assert(kPartOctetsWord * 8 + kPartOctets == sizeof(SocketContent));

enum Mark : std::uint64_t { kHasCookie = 1, kHasFlow = 2, kPart = 4 };

constexpr unsigned kOriginShift = 32;
constexpr unsigned kStandingShift = 40;
constexpr unsigned kMarkShift = 48;
constexpr unsigned kOctetsShift = 32;

void PutAddress(SocketContent& content, std::size_t word,
                const IpAddress& address) {
  const ConstBytes octets = address.octets();
  std::memcpy(&content.at(word), octets.data(), octets.size());
}

IpAddress AddressIn(const SocketContent& content, std::size_t word,
                    IpFamily family) {
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &content.at(word), octets.size());
  return IpAddress::FromOctets(ConstBytes(octets).first(BitsOf(family) / 8));
}

void PutFlow(SocketContent& content, const FlowKey& flow) {
  content[kEnds] = std::uint64_t{flow.local_port} |
                   std::uint64_t{flow.remote_port} << 16U |
                   std::uint64_t{flow.protocol} << 32U |
                   static_cast<std::uint64_t>(flow.local.family()) << 40U;
  PutAddress(content, kLocal, flow.local);
  PutAddress(content, kRemote, flow.remote);
}

// REQUIRES: the family is one.
FlowKey FlowIn(const SocketContent& content) {
  const auto family = static_cast<IpFamily>(content[kEnds] >> 40U & 0xffU);
  FlowKey flow;
  flow.local = AddressIn(content, kLocal, family);
  flow.remote = AddressIn(content, kRemote, family);
  flow.local_port = static_cast<std::uint16_t>(content[kEnds]);
  flow.remote_port = static_cast<std::uint16_t>(content[kEnds] >> 16U);
  flow.protocol = static_cast<std::uint8_t>(content[kEnds] >> 32U);
  return flow;
}

bool IsFamily(std::uint64_t number) {
  return number == static_cast<std::uint64_t>(IpFamily::kV4) ||
         number == static_cast<std::uint64_t>(IpFamily::kV6);
}

bool AreLevels(std::uint32_t packed) {
  const LevelSet levels = LevelSet::Unpack(packed);
  return levels.Pack() == packed &&
         std::all_of(
             kCategories.begin(), kCategories.end(), [&](Category category) {
               return FindLevel(NameOf(levels.of(category))).has_value();
             });
}

}  // namespace

SocketContent ContentOf(std::uint64_t number, const SocketRecord& record,
                        const WishPlaces& wishes) {
  SocketContent content{};
  content[kNumber] = number;
  content[kState] = std::uint64_t{record.levels.Pack()} |
                    static_cast<std::uint64_t>(record.origin) << kOriginShift |
                    static_cast<std::uint64_t>(record.standing)
                        << kStandingShift;
  if (record.cookie) {
    content[kState] |= std::uint64_t{kHasCookie} << kMarkShift;
    content[kCookie] = static_cast<std::uint64_t>(*record.cookie);
  }
  if (record.flow) {
    content[kState] |= std::uint64_t{kHasFlow} << kMarkShift;
    PutFlow(content, *record.flow);
  }
  if (wishes.octets != 0) {
    content[kWishes] = (wishes.first + 1) | std::uint64_t{wishes.octets}
                                                << kOctetsShift;
    content[kWishesNumber] = wishes.number;
  }
  return content;
}

SocketRecord RecordIn(const SocketContent& content) {
  const std::uint64_t state = content[kState];
  const std::uint64_t has = state >> kMarkShift;
  SocketRecord record;
  record.levels = LevelSet::Unpack(static_cast<std::uint32_t>(state));
  record.origin =
      static_cast<SocketRecord::Origin>(state >> kOriginShift & 0xffU);
  record.standing =
      static_cast<SocketRecord::Standing>(state >> kStandingShift & 0xffU);
  if ((has & kHasCookie) != 0) {
    record.cookie = SocketCookie{content[kCookie]};
  }
  if ((has & kHasFlow) != 0) {
    record.flow = FlowIn(content);
  }
  return record;
}

WishPlaces WishesIn(const SocketContent& content) {
  const std::uint64_t place = content[kWishes] & 0xffffffffU;
  if (place == 0) {
    return {};
  }
  return {
      .octets = static_cast<std::uint32_t>(content[kWishes] >> kOctetsShift),
      .first = place - 1,
      .number = content[kWishesNumber]};
}

bool MakesSense(const SocketContent& content) {
  const std::uint64_t state = content[kState];
  const std::uint64_t has = state >> kMarkShift;
  const bool readable =
      content[kNumber] != 0 && AreLevels(static_cast<std::uint32_t>(state)) &&
      (state >> kOriginShift & 0xffU) <= 1 &&
      (state >> kStandingShift & 0xffU) <= 1 && has != 0 &&
      has <= (kHasCookie | kHasFlow) &&
      ((has & kHasFlow) == 0 || IsFamily(content[kEnds] >> 40U & 0xffU));
  return readable && ContentOf(content[kNumber], RecordIn(content),
                               WishesIn(content)) == content;
}

bool IsFree(const SocketContent& content) {
  return content == SocketContent{};
}

std::uint64_t NumberIn(const SocketContent& content) {
  return content[kNumber];
}

bool IsPart(const SocketContent& content) {
  return content[kState] == std::uint64_t{kPart} << kMarkShift;
}

SocketContent ContentOf(const WishPart& part, ConstBytes octets) {
  SocketContent content{};
  content[kNumber] = part.number;
  content[kNext] = part.has_next ? part.next + 1 : 0;
  content[kState] = std::uint64_t{kPart} << kMarkShift;
  std::memcpy(&content.at(kPartOctetsWord), octets.data(), octets.size());
  return content;
}

WishPart PartIn(const SocketContent& content) {
  const bool has_next = content[kNext] != 0;
  return {.number = content[kNumber],
          .has_next = has_next,
          .next = has_next ? content[kNext] - 1 : 0};
}

void AppendOctets(const SocketContent& content, std::size_t most,
                  std::vector<std::uint8_t>& octets) {
  std::array<std::uint8_t, kPartOctets> part{};
  std::memcpy(part.data(), &content.at(kPartOctetsWord), part.size());
  const std::size_t taken = std::min(most, part.size());
  octets.insert(octets.end(), part.begin(),
                part.begin() + static_cast<std::ptrdiff_t>(taken));
}

}  // namespace postern
