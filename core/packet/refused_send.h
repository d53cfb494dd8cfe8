// SPDX-License-Identifier: Apache-2.0
//
// Under which name a port counts a packet that the kernel refused to send.
//
// Thread safety: a plain function.

#ifndef POSTERN_CORE_PACKET_REFUSED_SEND_H_
#define POSTERN_CORE_PACKET_REFUSED_SEND_H_

#include <cerrno>

#include "core/drop_reason.h"

namespace postern {

// kPortBusy: a buffer is full; kTooBig; kPortRefused: anything else.
constexpr DropReason ReasonOfRefusedSend(int errno_value) {
  switch (errno_value) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return DropReason::kPortBusy;
    case EMSGSIZE:
      return DropReason::kTooBig;
    default:
      return DropReason::kPortRefused;
  }
}

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_REFUSED_SEND_H_
