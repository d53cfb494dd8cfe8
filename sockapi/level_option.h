// SPDX-License-Identifier: Apache-2.0
//
// The option names and levels of <postern/ipsec.h> as values of the daemon's
// protocol, whose enums are its own (control/api_protocol.h).
//
// Thread safety: plain values.

#ifndef POSTERN_SOCKAPI_LEVEL_OPTION_H_
#define POSTERN_SOCKAPI_LEVEL_OPTION_H_

#include <postern/ipsec.h>

#include <cstdint>
#include <optional>

#include "control/api_protocol.h"

namespace postern {

enum class OptionKind : std::uint8_t {
  kLevel,   // one of the three categories' levels
  kIpcomp,  // the level of a transform that we do not have
  kStatus,  // IP_IPSEC_STATUS, to be read only
};

// One socket option of ours.
struct LevelOption {
  OptionKind kind = OptionKind::kLevel;
  ApiFamily family = ApiFamily::kIpv4;
  ApiCategory category = ApiCategory::kEspTransport;  // only with kLevel
};

// The IP_* number of an option at IPPROTO_IPV6, where both are understood.
constexpr int WithoutFamily(int name) {
  return name >= IPV6_AUTH_LEVEL && name <= IPV6_IPSEC_STATUS
             ? name - IPV6_AUTH_LEVEL + IP_AUTH_LEVEL
             : name;
}

// nullopt for everybody else's options: those belong to the C library.
// Cost: a few comparisons for an option that is not ours.
constexpr std::optional<LevelOption> LevelOptionOf(int level, int name) {
  if (level != IPPROTO_IP && level != IPPROTO_IPV6) {
    return std::nullopt;
  }
  const ApiFamily family =
      level == IPPROTO_IP ? ApiFamily::kIpv4 : ApiFamily::kIpv6;
  switch (family == ApiFamily::kIpv6 ? WithoutFamily(name) : name) {
    case IP_ESP_TRANS_LEVEL:
      return LevelOption{OptionKind::kLevel, family,
                         ApiCategory::kEspTransport};
    case IP_AUTH_LEVEL:
      return LevelOption{OptionKind::kLevel, family, ApiCategory::kAh};
    case IP_ESP_NETWORK_LEVEL:
      return LevelOption{OptionKind::kLevel, family, ApiCategory::kEspNetwork};
    case IP_IPCOMP_LEVEL:
      return LevelOption{.kind = OptionKind::kIpcomp, .family = family};
    case IP_IPSEC_STATUS:
      return LevelOption{.kind = OptionKind::kStatus, .family = family};
    default:
      return std::nullopt;
  }
}

// nullopt for a value outside the set (API-29).
constexpr std::optional<ApiLevel> ApiLevelOf(int value) {
  switch (value) {
    case IPSEC_LEVEL_BYPASS:
      return ApiLevel::kBypass;
    case IPSEC_LEVEL_NONE:
      return ApiLevel::kNone;
    case IPSEC_LEVEL_AVAIL:
      return ApiLevel::kAvail;
    case IPSEC_LEVEL_USE:
      return ApiLevel::kUse;
    case IPSEC_LEVEL_REQUIRE:
      return ApiLevel::kRequire;
    case IPSEC_LEVEL_UNIQUE:
      return ApiLevel::kUnique;
    default:
      return std::nullopt;
  }
}

// REQUIRES: level is not kAbsent.
constexpr int ValueOf(ApiLevel level) {
  switch (level) {
    case ApiLevel::kBypass:
      return IPSEC_LEVEL_BYPASS;
    case ApiLevel::kAvail:
      return IPSEC_LEVEL_AVAIL;
    case ApiLevel::kUse:
      return IPSEC_LEVEL_USE;
    case ApiLevel::kRequire:
      return IPSEC_LEVEL_REQUIRE;
    case ApiLevel::kUnique:
      return IPSEC_LEVEL_UNIQUE;
    case ApiLevel::kNone:
    case ApiLevel::kAbsent:
      break;
  }
  return IPSEC_LEVEL_NONE;
}

}  // namespace postern

#endif  // POSTERN_SOCKAPI_LEVEL_OPTION_H_
