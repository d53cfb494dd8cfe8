// SPDX-License-Identifier: Apache-2.0
//
// The MTU of the interface that has an address.
//
// Thread safety: a plain function, Thread-safe.

#ifndef POSTERN_WIRE_INTERFACE_MTU_H_
#define POSTERN_WIRE_INTERFACE_MTU_H_

#include <cstddef>
#include <optional>

#include "core/net/ip_address.h"

namespace postern {

// In the calling thread's network namespace. Nothing when no interface has this
// address, as none has the unspecified one.
std::optional<std::size_t> MtuOfInterfaceWith(const IpAddress& address);

}  // namespace postern

#endif  // POSTERN_WIRE_INTERFACE_MTU_H_
