// SPDX-License-Identifier: Apache-2.0
//
// A DropReason names why a packet was refused. Every refusal in the project
// has one of these names, one counter (core/stats.h), one sentence and one test
// that provokes it. `postern stats` prints them; docs/drop-reasons.md lists
// them.
//
// Thread safety: constants.

#ifndef POSTERN_CORE_DROP_REASON_H_
#define POSTERN_CORE_DROP_REASON_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/expected.h"

namespace postern {

enum class DropReason : std::uint8_t {
  // The packet itself (both directions).
  kTruncated,
  kBadIpVersion,
  kBadIpHeader,
  kBadIpOption,
  kBadExtensionHeader,
  kTooManyHeaders,
  kBadTransportHeader,
  kBadOffload,
  kFragment,
  kBadFragment,
  kFragmentOverlap,
  kFragmentDuplicate,
  kReassemblyTooBig,
  kReassemblyTimeout,
  kReassemblyOverflow,
  kUnclearError,
  kUnbelievedError,
  kTooBig,
  kNoHeadroom,
  // Outbound.
  kDiscardRoute,
  kDiscardRule,
  kDiscardDefault,
  kNoSa,
  kErrorWithoutSa,
  kAcquireRefused,
  kAcquireLimited,
  kHoldOverflow,
  kSequenceExhausted,
  kSequenceNotReserved,
  kLifetimeExpired,
  kOwnerUnknown,
  kNotStamped,
  kTableFull,
  kCryptoFailed,
  // Inbound: finding and opening.
  kSpiReserved,
  kNoSaForSpi,
  kSaNotUsable,
  kReplayZero,
  kReplayTooOld,
  kReplayDuplicate,
  kBadLength,
  kBadIcv,
  kBadPadding,
  kDummyPacket,
  kTooManyTransforms,
  kModeMismatch,
  kEcnViolation,
  // Inbound: admission.
  kSelectorMismatch,
  kPolicyRequiresEspTransport,
  kPolicyRequiresAh,
  kPolicyRequiresEspNetwork,
  // Ports.
  kPortRefused,
  kPortBusy,
  kPoolEmpty,
  kWireCarriesEspOnly,
  kUnknownPeer,
  kNonEspMarker,
  kNatKeepalive,
  kForeignFrame,
  kBadNeighbourMessage,
  kNoGateway,
  kNoNeighbour,
  kNeighbourLimited,
  kForgotten,
  kFaultInjected,
};

inline constexpr std::size_t kDropReasonCount =
    static_cast<std::size_t>(DropReason::kFaultInjected) + 1;

struct DropReasonText {
  DropReason reason;
  std::string_view name;      // "bad_icv": metrics, JSON
  std::string_view sentence;  // for a person
  std::string_view source;    // "RFC 4303 3.4.4", "draft 1.2.2", "Postern"
};

// Cost: an array access.
const DropReasonText& TextOf(DropReason reason);

inline std::string_view NameOf(DropReason reason) {
  return TextOf(reason).name;
}

// A packet step's answer: a T, or the reason the packet goes no further.
template <typename T>
using Opinion = Expected<T, DropReason>;
using Passage = Opinion<Done>;

inline Passage Pass() {
  return Done{};
}

}  // namespace postern

#endif  // POSTERN_CORE_DROP_REASON_H_
