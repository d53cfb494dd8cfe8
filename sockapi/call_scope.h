// SPDX-License-Identifier: Apache-2.0
//
// While a CallScope lives, the thread cannot be cancelled; when it ends, errno
// is as it was. setsockopt(), getsockopt() and socket() are no cancellation
// points, but the calls that they are made of here are, and a thread that ended
// among them would leave descriptors behind.
//
// Worker-confined: a local variable.

#ifndef POSTERN_SOCKAPI_CALL_SCOPE_H_
#define POSTERN_SOCKAPI_CALL_SCOPE_H_

#include <pthread.h>

#include <cerrno>

namespace postern {

class CallScope {
 public:
  CallScope() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old_state_); }

  ~CallScope() {
    ::pthread_setcancelstate(old_state_, nullptr);
    errno = old_errno_;
  }

  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  int old_errno_ = errno;
  int old_state_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace postern

#endif  // POSTERN_SOCKAPI_CALL_SCOPE_H_
