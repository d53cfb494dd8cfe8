// SPDX-License-Identifier: Apache-2.0
//
// One message, with at most two descriptors, over a UNIX SOCK_SEQPACKET socket.
// Plain functions over plain descriptors, so that the daemon can use them from
// its event loop (non-blocking sockets) and the library and the CLI from a
// blocking call (with a Deadline).
//
//     daemon                               library, CLI
//     ListenSeqpacket(path, mode)          ConnectSeqpacket(path, deadline)
//     AcceptSeqpacket(listener)            SendSeqpacket(socket, message, fd)
//     PeerCredentialsOf(connection)        WaitFor(socket, POLLIN, deadline)
//     ReceiveSeqpacket(connection, room)   ReceiveSeqpacket(socket, room)
//     SendSeqpacket(connection, reply)
//
// Every descriptor made here is close-on-exec. Whatever a peer sends, no
// descriptor leaks: the first two received are owned by the result, all others
// are closed and make the message a refused one.
//
// seqpacket.cc needs no C++ runtime library; libpostern.so compiles it too.
//
// Thread safety: Thread-safe as far as the descriptors are.

#ifndef POSTERN_CONTROL_SEQPACKET_H_
#define POSTERN_CONTROL_SEQPACKET_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "control/deadline.h"
#include "control/paths.h"
#include "core/bytes.h"
#include "core/expected.h"
#include "core/unique_fd.h"

namespace postern {

enum class TransferOutcome : std::uint8_t {
  kDone,
  kWouldBlock,  // non-blocking socket: wait for it and call again
  kClosed,      // the peer is gone (end of file, reset, broken pipe)
  kTruncated,   // the message or its descriptors did not fit; it is lost
  kTooManyFds,  // more than two descriptors came; all were closed
  kFailed,      // anything else: see `error`
};

struct SeqpacketMessage {
  TransferOutcome outcome = TransferOutcome::kFailed;
  int error = 0;         // errno value; only with kFailed
  std::size_t size = 0;  // octets of `room` that were filled
  UniqueFd fd;           // the descriptor that came along, if any
  UniqueFd second_fd;    // and another one

  std::size_t fd_count() const {
    return (fd.valid() ? 1U : 0U) + (second_fd.valid() ? 1U : 0U);
  }
};

// Receives one message into `room`. An empty message is taken for the end, as
// the kernel reports both alike.
SeqpacketMessage ReceiveSeqpacket(int socket, Bytes room);

struct SendResult {
  TransferOutcome outcome = TransferOutcome::kFailed;
  int error = 0;  // errno value; only with kFailed
};

inline constexpr int kNoFd = -1;

// Sends one message, with copies of `fd` and `second_fd` unless these are kNoFd;
// they themselves stay the caller's. Never raises SIGPIPE.
// REQUIRES: message is not empty; no second_fd without fd.
SendResult SendSeqpacket(int socket, ConstBytes message, int fd = kNoFd,
                         int second_fd = kNoFd);

// Connects a blocking socket to the listener at `path`, through symbolic links.
// Errors (errno values): what socket() and connect() say, ENAMETOOLONG for a
// path that is not ok(), EAGAIN when the listener's queue stayed full until the
// deadline.
Expected<UniqueFd, int> ConnectSeqpacket(const UnixPath& path,
                                         Deadline deadline);

// Waits for poll() events on one descriptor. 0 when one of them or a hangup is
// there, ETIMEDOUT when the deadline passed, or poll()'s errno.
int WaitFor(int fd, short events, Deadline deadline);

// A non-blocking listener at `path` with exactly the permissions `mode`,
// whatever the umask. A socket file that nobody answers at is replaced.
// Errors (errno values): EADDRINUSE when somebody does answer, ENAMETOOLONG,
// what the system calls say.
Expected<UniqueFd, int> ListenSeqpacket(const UnixPath& path, mode_t mode);

// A non-blocking connection from the listener's queue.
// Errors: accept4()'s errno; EAGAIN when the queue is empty.
Expected<UniqueFd, int> AcceptSeqpacket(int listener);

// Who connected, as the kernel recorded it at connect().
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Errors: getsockopt()'s errno.
Expected<PeerCredentials, int> PeerCredentialsOf(int connection);

}  // namespace postern

#endif  // POSTERN_CONTROL_SEQPACKET_H_
