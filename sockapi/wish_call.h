// SPDX-License-Identifier: Apache-2.0
//
// What the library asks the daemon about a socket beside its levels; the
// siblings of daemon_call.h, whose rules hold here.
//
// Thread-safe.

#ifndef POSTERN_SOCKAPI_WISH_CALL_H_
#define POSTERN_SOCKAPI_WISH_CALL_H_

#include "control/seqpacket.h"
#include "control/wish_protocol.h"

namespace postern {

// The daemon's answer to `request`, which went well, in `reply`; its id is set
// here. Or an errno value: ENOPROTOOPT and the like of RefusalOf(), what the
// daemon says, and those of AskToSetLevel().
int AskAbout(int socket, WishRequest request, WishReply& reply,
             int other = kNoFd);

// The same, when there is nothing to read in the answer.
int AskToChange(int socket, const WishRequest& request, int other = kNoFd);

}  // namespace postern

#endif  // POSTERN_SOCKAPI_WISH_CALL_H_
