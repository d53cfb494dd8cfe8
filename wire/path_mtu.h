// SPDX-License-Identifier: Apache-2.0
//
// The MTU of the way to an endpoint, as far as this machine knows it: that of
// the route, or of the device that it leaves by.
//
// Thread safety: a plain function, Thread-safe. Cost: three system calls.

#ifndef POSTERN_WIRE_PATH_MTU_H_
#define POSTERN_WIRE_PATH_MTU_H_

#include <cstddef>
#include <optional>

#include "wire/udp_endpoint.h"

namespace postern {

// In the calling thread's network namespace. Nothing is sent. Nothing when there
// is no route.
std::optional<std::size_t> MtuTowards(const UdpEndpoint& peer);

}  // namespace postern

#endif  // POSTERN_WIRE_PATH_MTU_H_
