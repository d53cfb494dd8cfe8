// SPDX-License-Identifier: Apache-2.0
//
// The program that stamps packets (tun/socket_stamp.h): a few instructions of
// BPF that the kernel runs for every packet that leaves by the TUN (clsact,
// egress). They ask bpf_get_socket_cookie() and bpf_skb_cgroup_id() and write
// the answers in front of the packet. A packet for whose stamp there is no memory
// is dropped there.
//
// A super-packet (core/net/vnet_header.h) is one socket's and gets one stamp for
// all that it stands for. It may have 64 KB: Linux limits what grows in this way
// to some 16 KB, but not super-packets. Without TunFraming::kVnetHeader Linux cuts
// them behind the program, each piece with the stamp in front; but from 6.11 on
// it drops those of UDP there (UDP_SEGMENT) because of a checksum that it loses
// sight of when the stamp makes it move the packet.
//
//     auto tun = TunDevice::Create(host, ...);      the link is still down
//     if (AttachStampProgram(host, tun->index(), stamp)) {
//       tun->ExpectStamps(stamp);
//     }
//     netlink->SetState(..., LinkState::kUp);       the first packet is stamped
//
// The program stays with the interface and goes with it. It needs no compiler
// and no file: the instructions are in stamp_program.cc.
//
// Thread safety: plain functions, for the control thread.
// Cost: about 0.2 ms each; a packet's stamp costs the kernel about 0.3 us.

#ifndef POSTERN_TUN_STAMP_PROGRAM_H_
#define POSTERN_TUN_STAMP_PROGRAM_H_

#include <cstdint>

#include "core/error.h"
#include "tun/network_namespace.h"
#include "tun/socket_stamp.h"

namespace postern {

// Takes the place of the one that an earlier run may have left there.
// REQUIRES: the link is down.
// Errors: kForbidden (the kernel lets this process load no BPF),
//   kUnsupported (it was built without BPF or without clsact), kSystem, those
//   of NetworkNamespace::RunInside().
Status AttachStampProgram(const NetworkNamespace& inside,
                          std::uint32_t link_index, const SocketStamp& stamp);

// Takes away what an earlier run left on a persistent TUN. No effect when there
// is nothing.
void DetachStampProgram(const NetworkNamespace& inside,
                        std::uint32_t link_index);

}  // namespace postern

#endif  // POSTERN_TUN_STAMP_PROGRAM_H_
