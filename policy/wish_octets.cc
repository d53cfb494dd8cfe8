// SPDX-License-Identifier: Apache-2.0

#include "policy/wish_octets.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace postern {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMostOctets = 1 + 2 * (2 + Identity::kMostOctets) + 1 +
                                    AlgorithmSet::kMostOctets + 2 + 1 + 8;

void PutText(Writer& out, const std::string& text) {
  out.Write(static_cast<std::uint8_t>(text.size()));
  for (const char c : text) {
    out.Write(static_cast<std::uint8_t>(c));
  }
}

void PutIdentity(Writer& out, const std::optional<Identity>& identity) {
  out.Write(identity ? static_cast<std::uint8_t>(identity->type())
                     : std::uint8_t{0});
  PutText(out, identity ? identity->text() : std::string());
}

std::optional<std::string> TakeText(Reader& in) {
  const auto size = in.Read<std::uint8_t>();
  const auto octets = size ? in.Take(*size) : std::nullopt;
  return octets ? std::optional(std::string(octets->begin(), octets->end()))
                : std::nullopt;
}

// False when there is none that makes sense; `identity` may stay empty.
bool TakeIdentity(Reader& in, std::optional<Identity>& identity) {
  const auto type = in.Read<std::uint8_t>();
  const auto text = type ? TakeText(in) : std::nullopt;
  if (!text) {
    return false;
  }
  if (*type == 0) {
    return text->empty();
  }
  if (*type > static_cast<std::uint8_t>(IdentityType::kKeyId)) {
    return false;
  }
  Result<Identity> made =
      Identity::Make(static_cast<IdentityType>(*type), *text);
  if (made.ok()) {
    identity = std::move(*made);
  }
  return made.ok();
}

bool TakeAlgorithms(Reader& in, AlgorithmSet& algorithms) {
  const auto text = TakeText(in);
  if (!text) {
    return false;
  }
  // Old algorithms may be forbidden meanwhile: then no SA will have them, and the
  // socket's packets wait for one in vain.
  Result<AlgorithmSet> set =
      AlgorithmSet::Parse(*text, AlgorithmSet::Legacy::kTaken);
  if (set.ok()) {
    algorithms = std::move(*set);
  }
  return set.ok();
}

}  // namespace

std::vector<std::uint8_t> OctetsOf(const SocketWishes& wishes) {
  std::array<std::uint8_t, kMostOctets> room{};
  Writer out(room);
  out.Write(kVersion);
  PutIdentity(out, wishes.mine);
  PutIdentity(out, wishes.peer);
  PutText(out, wishes.algorithms.text());
  out.Write(static_cast<std::uint16_t>(wishes.least_key_bits));
  out.Write(static_cast<std::uint8_t>(wishes.share ? 1 : 0));
  out.Write(static_cast<std::uint64_t>(wishes.share.value_or(SocketCookie{})));
  return {out.written().begin(), out.written().end()};
}

std::optional<SocketWishes> WishesIn(ConstBytes octets) {
  Reader in(octets);
  SocketWishes wishes;
  if (in.Read<std::uint8_t>() != kVersion || !TakeIdentity(in, wishes.mine) ||
      !TakeIdentity(in, wishes.peer) ||
      !TakeAlgorithms(in, wishes.algorithms)) {
    return std::nullopt;
  }
  const auto bits = in.Read<std::uint16_t>();
  const auto shares = in.Read<std::uint8_t>();
  const auto cookie = in.Read<std::uint64_t>();
  if (!cookie || *shares > 1 || (*shares == 0 && *cookie != 0) || !in.empty()) {
    return std::nullopt;
  }
  wishes.least_key_bits = *bits;
  if (*shares == 1) {
    wishes.share = SocketCookie{*cookie};
  }
  return wishes;
}

}  // namespace postern
