// SPDX-License-Identifier: Apache-2.0
//
// What draft-mcdonald-simple-ipsec-api-01 says of one packet, written down from
// its words and from nothing else: no header of the product is included here,
// and the numbers are this file's own.
//
// Thread safety: plain functions.

#ifndef POSTERN_TESTS_UNIT_POLICY_DRAFT_ORACLE_H_
#define POSTERN_TESTS_UNIT_POLICY_DRAFT_ORACLE_H_

#include <array>
#include <cstddef>

namespace postern::draft {

// 1.2.2: "in order of least secure to most secure"; 1.2.3 adds Bypass. "The
// reason 'Default' is the same level as 'None' ... is to imply that the socket
// will use whatever the systemwide default is."
enum class Level {
  kNone,
  kDefault,
  kAvailable,
  kUse,
  kRequire,
  kUnique,
  kBypass,
};

inline constexpr std::array kSystemLevels = {Level::kNone, Level::kAvailable,
                                             Level::kUse, Level::kRequire,
                                             Level::kUnique};

inline constexpr std::array kSocketLevels = {
    Level::kBypass, Level::kNone,    Level::kDefault, Level::kAvailable,
    Level::kUse,    Level::kRequire, Level::kUnique};

// "Default" stands where "None" stands.
constexpr int Security(Level level) {
  switch (level) {
    case Level::kNone:
    case Level::kDefault:
      return 0;
    case Level::kAvailable:
      return 1;
    case Level::kUse:
      return 2;
    case Level::kRequire:
      return 3;
    case Level::kUnique:
      return 4;
    case Level::kBypass:
      break;
  }
  return -1;
}

// 1.2.3: "the operating system will use the most secure of what is globally set,
// or what is requested by the user". Bypass: "Bypass the security policy".
constexpr Level Combined(Level system, Level socket) {
  if (socket == Level::kBypass) {
    return Level::kBypass;
  }
  return Security(socket) > Security(system) ? socket : system;
}

// What there is to protect outbound packets with, in one category.
struct Associations {
  bool for_anybody = false;
  bool for_this_session_only = false;
};

enum class Outbound {
  kClear,         // this category is not applied
  kWithAnybodys,  // with an SA that others use as well
  kWithItsOwn,    // with one that is used "only for this session"
  kNotSent,       // an SA must be acquired first
};

constexpr Outbound Send(Level level, const Associations& there) {
  switch (level) {
    case Level::kBypass:  // 3.2: "sent without any IPsec extensions"
    case Level::kNone:    // "Do not use any security on outbound packets"
    case Level::kDefault:
      return Outbound::kClear;
    case Level::kAvailable:  // "If a security association is available, use it"
      return there.for_anybody ? Outbound::kWithAnybodys : Outbound::kClear;
    case Level::kUse:      // "If a security association does not exist ...
    case Level::kRequire:  // acquire one and use it"; "same as outbound ones"
      return there.for_anybody ? Outbound::kWithAnybodys : Outbound::kNotSent;
    case Level::kUnique:  // "used only for this session"
      return there.for_this_session_only ? Outbound::kWithItsOwn
                                         : Outbound::kNotSent;
  }
  return Outbound::kNotSent;
}

enum class Inbound { kInTheClear, kSecured };

constexpr bool Accepts(Level level, Inbound packet) {
  switch (level) {
    case Level::kBypass:     // 3.2: "Packet will be accepted"
    case Level::kNone:       // "accept any inbound packets, secured or not"
    case Level::kDefault:    //
    case Level::kAvailable:  // "behave like the level was ... NONE"
    case Level::kUse:        // "Still accept any inbound packets"
      return true;
    case Level::kRequire:  // "REQUIRES that inbound packets use security"
    case Level::kUnique:   // "the same as IPSEC_LEVEL_REQUIRE"
      return packet == Inbound::kSecured;
  }
  return false;
}

}  // namespace postern::draft

#endif  // POSTERN_TESTS_UNIT_POLICY_DRAFT_ORACLE_H_
