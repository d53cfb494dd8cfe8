// SPDX-License-Identifier: Apache-2.0
//
// The program that chooses the queue of a TUN with several (TunDevice::
// CreateQueues()), so that packets of one flow always take the same one: then
// one worker carries them, and their order is kept.
//
// Linux without a program sends a flow to the queue that last wrote a packet of
// its other direction, so that a flow changes its queue while packets of it wait
// in the old one. Ours goes by what never changes in a flow:
//
//     who sends it       the socket's cookie; 0 for packets that are forwarded
//     who talks to whom  the IP addresses
//     the SPI            of ESP and AH directly behind the IP header
//
// and not by ports, which only the first fragment of a datagram has. So, on a
// host's TUN each socket stays with one queue for each peer; on a wire each SA,
// and what passes in clear between two hosts.
//
//     auto steering = SteeringProgram::Load();
//     auto queues = TunDevice::CreateQueues(host, {...}, *steering, 4);
//
// Thread safety: Immutable.
// Cost: Load() about 0.1 ms; a packet's choice some 0.1 us of the kernel's.

#ifndef POSTERN_TUN_STEERING_PROGRAM_H_
#define POSTERN_TUN_STEERING_PROGRAM_H_

#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

class SteeringProgram {
 public:
  // Errors: kForbidden (the kernel lets this process load no BPF), kUnsupported
  // (it was built without), kSystem.
  static Result<SteeringProgram> Load();

  int descriptor() const { return fd_.get(); }

 private:
  explicit SteeringProgram(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace postern

#endif  // POSTERN_TUN_STEERING_PROGRAM_H_
