// SPDX-License-Identifier: Apache-2.0
//
// Levels and categories: the vocabulary of draft-mcdonald-simple-ipsec-api-01
// (1.2.1, 1.2.2), and how a system level and a socket's own level combine.
//
// Thread safety: plain values.

#ifndef POSTERN_POLICY_LEVEL_H_
#define POSTERN_POLICY_LEVEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ipsec.h"

namespace postern {

// In the order in which they are applied to an outbound packet.
enum class Category : std::uint8_t { kEspTransport, kAh, kEspNetwork };

inline constexpr std::array<Category, 3> kCategories = {
    Category::kEspTransport, Category::kAh, Category::kEspNetwork};

// "esp_transport", "ah", "esp_network".
std::string_view NameOf(Category category);

// The protocol of the SAs that serve a category, and the mode by which they are
// found (SaParameters::found_as()): ESP network is an ESP tunnel, or ESP in BEET
// mode.
IpsecProtocol ProtocolOf(Category category);
IpsecMode ModeOf(Category category);

// The other way round; nothing for AH tunnels, which the draft does not know.
constexpr std::optional<Category> FindCategory(IpsecProtocol protocol,
                                               IpsecMode found_as) {
  const bool is_ah = protocol == IpsecProtocol::kAh;
  switch (found_as) {
    case IpsecMode::kTransport:
      return is_ah ? Category::kAh : Category::kEspTransport;
    case IpsecMode::kTunnel:
      return is_ah ? std::nullopt : std::optional(Category::kEspNetwork);
    case IpsecMode::kBeet:  // is found as a tunnel
      break;
  }
  return std::nullopt;
}

// Some of the categories.
class CategorySet {
 public:
  void Add(Category category) { bits_ |= BitOf(category); }

  bool Has(Category category) const { return (bits_ & BitOf(category)) != 0; }

  bool empty() const { return bits_ == 0; }

  friend bool operator==(const CategorySet&, const CategorySet&) = default;

 private:
  static std::uint8_t BitOf(Category category) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(category));
  }

  std::uint8_t bits_ = 0;
};

// kNone < kAvail < kUse < kRequire < kUnique is the order of strength
// (API-07). kBypass stands outside of it: a socket or a cgroup's rule has it.
enum class Level : std::uint8_t {
  kNone = 0,  // also "default"
  kAvail = 1,
  kUse = 2,
  kRequire = 3,
  kUnique = 4,
  kBypass = 255,
};

// "none", "avail", "use", "require", "unique", "bypass".
std::string_view NameOf(Level level);
std::optional<Level> FindLevel(std::string_view name);  // also "default"

// What binds a packet: kBypass if the socket has it, otherwise the stronger of
// the two (draft 1.2.3, API-21). REQUIRES: system is not kBypass.
Level Effective(Level system, Level socket);

// One level per category. Packs into 32 bits, so that a socket's levels are
// read and written as one atomic.
class LevelSet {
 public:
  constexpr LevelSet() = default;

  Level of(Category category) const {
    return levels_[static_cast<std::size_t>(category)];
  }

  void Set(Category category, Level level) {
    levels_[static_cast<std::size_t>(category)] = level;
  }

  // True when every category is kNone.
  bool empty() const { return *this == LevelSet(); }

  std::uint32_t Pack() const;
  static LevelSet Unpack(std::uint32_t packed);

  // "esp_transport=none ah=require esp_network=none".
  std::string ToString() const;

  friend bool operator==(const LevelSet&, const LevelSet&) = default;

 private:
  std::array<Level, 3> levels_{};
};

// Whether a packet must not leave in clear at this level: in number kBypass is
// above kUse, too.
constexpr bool ForbidsClear(Level level) {
  return level != Level::kBypass && level >= Level::kUse;
}

// Category by category.
LevelSet Effective(const LevelSet& system, const LevelSet& socket);

// What satisfies both; a bypass demands nothing.
LevelSet Stricter(const LevelSet& a, const LevelSet& b);

// The system levels as they bind a packet that no socket owns: kUnique, which
// speaks of a session, becomes kRequire.
LevelSet WithoutSession(const LevelSet& system);

}  // namespace postern

#endif  // POSTERN_POLICY_LEVEL_H_
