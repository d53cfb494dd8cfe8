// SPDX-License-Identifier: Apache-2.0
//
// The calls that libpostern.so stands in front of, as the next library in the
// search order has them (the C library, or another interposer).
//
// They are looked up once, while the library is loaded. Afterwards a call here
// is one load and one jump: no lock, no allocation, nothing that a signal
// handler or a child between fork() and exec() may not do. Calls that come even
// earlier, from other libraries' constructors, go straight to the kernel.
//
// Thread-safe.

#ifndef POSTERN_SOCKAPI_NEXT_CALL_H_
#define POSTERN_SOCKAPI_NEXT_CALL_H_

#include <sys/socket.h>

namespace postern {

int NextSocket(int domain, int type, int protocol);

int NextSetsockopt(int fd, int level, int name, const void* value,
                   socklen_t size);

int NextGetsockopt(int fd, int level, int name, void* value, socklen_t* size);

// These two are cancellation points, as accept() is.
int NextAccept(int fd, sockaddr* address, socklen_t* size);

int NextAccept4(int fd, sockaddr* address, socklen_t* size, int flags);

}  // namespace postern

#endif  // POSTERN_SOCKAPI_NEXT_CALL_H_
