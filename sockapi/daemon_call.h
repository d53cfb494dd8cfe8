// SPDX-License-Identifier: Apache-2.0
//
// What the library asks the daemon of a socket's network namespace.
//
// A connection lives as long as one call: programs fork, close every descriptor
// they can count to, pass sockets to each other and change namespaces, and
// nothing kept open would survive that unharmed. It costs some tens of
// microseconds, on a path that a program takes a few times per socket.
//
// Fails closed: whatever is wrong with the way to the daemon is an errno value,
// never a success. No call raises SIGPIPE, is ended by a signal or keeps a
// descriptor. None allocates or locks, so that signal handlers may call them, as
// POSIX lets them call setsockopt().
//
// REQUIRES (all): a CallScope, since these are made of cancellation points.
//
// Thread-safe.

#ifndef POSTERN_SOCKAPI_DAEMON_CALL_H_
#define POSTERN_SOCKAPI_DAEMON_CALL_H_

#include <cstddef>

#include "control/api_protocol.h"
#include "control/seqpacket.h"
#include "core/bytes.h"

namespace postern {

// The longest that one setsockopt() or getsockopt() takes.
inline constexpr int kDaemonPatienceMs = 5000;

// How long accept() waits for an answer it does not depend on, and how long it
// does not ask again after having waited in vain.
inline constexpr int kAdoptPatienceMs = 200;
inline constexpr int kAdoptPauseMs = 5000;

// The sockets that go along with a message.
struct Passed {
  int socket = kNoFd;
  int other = kNoFd;
};

// 0 when the daemon has confirmed the level, else an errno value:
//   what the daemon says (EACCES, EOPNOTSUPP, ...)
//   ENETUNREACH   no daemon serves the socket's namespace, or it cannot be
//                 reached from here (chroot, seccomp)
//   ECONNREFUSED  it is dead or silent
//   EPROTO        it speaks another protocol, or confirmed another level
//   EMFILE ENFILE ENOBUFS ENOMEM ETOOMANYREFS  no resources to ask it
int AskToSetLevel(int socket, ApiCategory category, ApiFamily family,
                  ApiLevel level);

// Errors: as AskToSetLevel().
Expected<ApiLevel, int> AskForLevel(int socket, ApiCategory category,
                                    ApiFamily family);

// One message there and one back, with `socket` and, unless kNoFd, `other`. How
// many octets of `room` the answer has; it is not looked at.
// Errors: as AskToSetLevel(). A room of one octet more than an answer can have
// shows a longer one.
Expected<std::size_t, int> Exchange(const Passed& passed, ConstBytes message,
                                    Bytes room);

// Tells the daemon of a child from accept(), so that it need not find out by
// itself. Nothing depends on it, so nothing is reported.
void AnnounceChild(int socket);

}  // namespace postern

#endif  // POSTERN_SOCKAPI_DAEMON_CALL_H_
