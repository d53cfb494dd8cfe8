// SPDX-License-Identifier: Apache-2.0
//
// A ProtocolDefect names what is wrong with a message that arrived on one of
// the daemon's local sockets. Decoding is strict: the first defect found ends
// it, and nothing of a defective message is used.
//
// Thread safety: constants.

#ifndef POSTERN_CONTROL_PROTOCOL_DEFECT_H_
#define POSTERN_CONTROL_PROTOCOL_DEFECT_H_

#include <cstdint>

namespace postern {

enum class ProtocolDefect : std::uint8_t {
  kTruncated,     // shorter than a header
  kBadMagic,      // not a message of ours at all
  kWrongVersion,  // spoken by a library or daemon of another version
  kWrongSize,     // the header's size, or this type's size, is not the real one
  kUnknownType,   // no such message in this protocol and direction
  kBadCategory,   // outside ApiCategory
  kBadFamily,     // outside ApiFamily
  kBadLevel,      // outside ApiLevel
  kBadText,       // a text that is too long or holds a NUL
  kBadIdentity,   // outside WishEnd or WishIdentity, or without its text
  kNotZero,       // a field that says nothing in this type is not zero
  kBadErrno,      // not an errno value
  kMissingFd,     // this type carries one descriptor and none came
  kSurplusFd,     // a descriptor came with a type that carries none
  kEmpty,         // a text message without text
  kTooLong,       // more text than the bound allows
  kWrongId,       // answers another request than the one that was asked
  kNone = 255,    // for those who look step by step; no message has it
};

// One sentence without a full stop, for a log line. Never null.
constexpr const char* SentenceOf(ProtocolDefect defect) {
  switch (defect) {
    case ProtocolDefect::kNone:
      break;
    case ProtocolDefect::kTruncated:
      return "the message is shorter than a header";
    case ProtocolDefect::kBadMagic:
      return "the message does not begin with PSTN";
    case ProtocolDefect::kWrongVersion:
      return "the message is of another protocol version";
    case ProtocolDefect::kWrongSize:
      return "the message's size is not what its header or type says";
    case ProtocolDefect::kUnknownType:
      return "the message's type is unknown here";
    case ProtocolDefect::kBadCategory:
      return "the IPsec category is unknown";
    case ProtocolDefect::kBadFamily:
      return "the option's address family is unknown";
    case ProtocolDefect::kBadLevel:
      return "the level is unknown";
    case ProtocolDefect::kBadText:
      return "a text is too long or holds a NUL";
    case ProtocolDefect::kBadIdentity:
      return "the identity is of no known kind, or lacks its text";
    case ProtocolDefect::kNotZero:
      return "a field that must be zero is not";
    case ProtocolDefect::kBadErrno:
      return "the error number is out of range";
    case ProtocolDefect::kMissingFd:
      return "the message must carry a descriptor and does not";
    case ProtocolDefect::kSurplusFd:
      return "the message carries a descriptor and must not";
    case ProtocolDefect::kEmpty:
      return "the message has no text";
    case ProtocolDefect::kTooLong:
      return "the text is longer than the bound";
    case ProtocolDefect::kWrongId:
      return "the answer belongs to another request";
  }
  return "the message is defective";
}

}  // namespace postern

#endif  // POSTERN_CONTROL_PROTOCOL_DEFECT_H_
