// SPDX-License-Identifier: Apache-2.0

#include "policy/level.h"

#include <algorithm>

namespace postern {
namespace {

struct LevelName {
  Level level;
  std::string_view name;
};

constexpr std::array<LevelName, 6> kLevelNames = {{
    {Level::kNone, "none"},
    {Level::kAvail, "avail"},
    {Level::kUse, "use"},
    {Level::kRequire, "require"},
    {Level::kUnique, "unique"},
    {Level::kBypass, "bypass"},
}};

}  // namespace

std::string_view NameOf(Category category) {
  switch (category) {
    case Category::kEspTransport:
      return "esp_transport";
    case Category::kAh:
      return "ah";
    case Category::kEspNetwork:
      return "esp_network";
  }
  return "?";
}

IpsecProtocol ProtocolOf(Category category) {
  return category == Category::kAh ? IpsecProtocol::kAh : IpsecProtocol::kEsp;
}

IpsecMode ModeOf(Category category) {
  return category == Category::kEspNetwork ? IpsecMode::kTunnel
                                           : IpsecMode::kTransport;
}

std::string_view NameOf(Level level) {
  for (const LevelName& entry : kLevelNames) {
    if (entry.level == level) {
      return entry.name;
    }
  }
  return "?";
}

std::optional<Level> FindLevel(std::string_view name) {
  if (name == "default") {
    return Level::kNone;
  }
  for (const LevelName& entry : kLevelNames) {
    if (entry.name == name) {
      return entry.level;
    }
  }
  return std::nullopt;
}

Level Effective(Level system, Level socket) {
  return socket == Level::kBypass ? Level::kBypass : std::max(system, socket);
}

std::uint32_t LevelSet::Pack() const {
  std::uint32_t packed = 0;
  for (const Level level : levels_) {
    packed = packed << 8 | static_cast<std::uint32_t>(level);
  }
  return packed;
}

LevelSet LevelSet::Unpack(std::uint32_t packed) {
  LevelSet levels;
  for (std::size_t i = levels.levels_.size(); i-- > 0; packed >>= 8) {
    levels.levels_[i] = static_cast<Level>(packed & 0xff);
  }
  return levels;
}

std::string LevelSet::ToString() const {
  std::string text;
  for (const Category category : kCategories) {
    text += text.empty() ? "" : " ";
    text += NameOf(category);
    text += '=';
    text += NameOf(of(category));
  }
  return text;
}

LevelSet Effective(const LevelSet& system, const LevelSet& socket) {
  LevelSet levels;
  for (const Category category : kCategories) {
    levels.Set(category, Effective(system.of(category), socket.of(category)));
  }
  return levels;
}

LevelSet Stricter(const LevelSet& a, const LevelSet& b) {
  LevelSet levels;
  for (const Category category : kCategories) {
    const Level one = a.of(category);
    const Level other = b.of(category);
    if (one == Level::kBypass || other == Level::kBypass) {
      levels.Set(category, one == Level::kBypass ? other : one);
    } else {
      levels.Set(category, std::max(one, other));
    }
  }
  return levels;
}

LevelSet WithoutSession(const LevelSet& system) {
  LevelSet levels = system;
  for (const Category category : kCategories) {
    if (levels.of(category) == Level::kUnique) {
      levels.Set(category, Level::kRequire);
    }
  }
  return levels;
}

}  // namespace postern
