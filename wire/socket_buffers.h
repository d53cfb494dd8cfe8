// SPDX-License-Identifier: Apache-2.0
//
// Room for bursts in the kernel's buffers of a wire's socket.
//
// Thread safety: a plain function.

#ifndef POSTERN_WIRE_SOCKET_BUFFERS_H_
#define POSTERN_WIRE_SOCKET_BUFFERS_H_

#include <cstddef>

namespace postern {

// So many octets for each direction, beyond the kernel's limits if we may. A
// kernel that grants less is told of in the log, with what to do.
void EnlargeBuffers(int fd, std::size_t octets);

}  // namespace postern

#endif  // POSTERN_WIRE_SOCKET_BUFFERS_H_
