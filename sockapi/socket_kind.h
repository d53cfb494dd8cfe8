// SPDX-License-Identifier: Apache-2.0
//
// Whether a descriptor is a socket whose levels can be set, and with which
// family's options. The kernel is asked; nothing is remembered, because
// descriptors are closed, reused and handed on behind our back.
//
// Thread-safe. Cost: three or four system calls that do no I/O.

#ifndef POSTERN_SOCKAPI_SOCKET_KIND_H_
#define POSTERN_SOCKAPI_SOCKET_KIND_H_

#include <cstdint>

#include "control/api_protocol.h"

namespace postern {

// 0, or the errno value with which an option of `family` is refused:
// EBADF, ENOTSOCK, ENOPROTOOPT (the other family's), EOPNOTSUPP (neither TCP,
// UDP, raw nor ICMP over IP).
int RefusalOf(int fd, ApiFamily family);

// Of an AF_INET or AF_INET6 socket.
// Errors: those of getsockopt().
Expected<ApiFamily, int> FamilyOf(int fd);

// Which network namespace the socket lives in.
// Errors: those of getsockopt(); ENOPROTOOPT before Linux 5.14.
Expected<std::uint64_t, int> NetnsCookieOf(int fd);

}  // namespace postern

#endif  // POSTERN_SOCKAPI_SOCKET_KIND_H_
