// SPDX-License-Identifier: Apache-2.0
//
// A PacketSocket is a port of whole Ethernet frames on a real interface
// (packet(7), AF_PACKET): what comes there for an Ethernet address of ours, and
// what we put there, beside whatever else the interface is used for.
//
//     a filter       in the kernel lets in what is for our address, ARP to all,
//                    and Neighbour Discovery: what the machine itself receives is
//                    never copied to us. Of a VLAN nothing is ours
//     memberships    the device takes frames to our address, and to the groups in
//                    which Neighbour Discovery asks for us (PACKET_MR_*)
//     PACKET_VNET_HDR  super-packets, which such a socket may get since they lie
//                    in the kernel as a device or a neighbour container made them,
//                    are cut into frames (core/net/segmenter.h), and unfinished
//                    checksums are finished
//     PACKET_FANOUT  several of them share what comes: all of a flow to one
//
// The machine itself cannot be reached by this way, nor can it reach us: what it
// sends goes to the device (as with a macvlan).
//
// Thread safety: as PacketPort.
// Cost: a system call for up to kMessages frames received, or a batch sent; what
// arrives is copied by the kernel alone, but for super-packets.

#ifndef POSTERN_WIRE_PACKET_SOCKET_H_
#define POSTERN_WIRE_PACKET_SOCKET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "core/packet/packet_port.h"
#include "core/unique_fd.h"
#include "wire/frame_receiver.h"
#include "wire/frame_sender.h"
#include "wire/mac_address.h"

namespace postern {

struct PacketSocketOptions {
  std::string interface;
  MacAddress mac;                         // ours, not the interface's
  std::vector<IpAddress> addresses;       // ours
  std::size_t buffer_octets = 4U << 20U;  // of the kernel, each direction
  // Called in the receiving thread when the interface is up again.
  std::function<void()> on_return = [] {};
};

class PacketSocket : public PacketPort {
 public:
  // In the calling thread's network namespace, `count` ports that share what
  // comes. Errors: kNotFound (no such interface), kInvalid (it is no Ethernet, or
  // has this Ethernet address itself), kForbidden (no CAP_NET_RAW), kUnavailable (it
  // is down, and the kernel lets no several share it then), kSystem.
  // REQUIRES: count > 0.
  static Result<std::vector<std::unique_ptr<PacketSocket>>> CreateSeveral(
      const PacketSocketOptions& options, std::size_t count);

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    return receiver_.Receive(batch, pool, stats);
  }

  void Send(Batch& batch, WorkerStats& stats) override {
    sender_.Send(batch, stats);
  }

  void SendBack(Batch& batch, WorkerStats& stats) override {
    back_sender_.Send(batch, stats);
  }

  // Of the interface as it was when this was made.
  std::size_t mtu() const override { return interface_.mtu_octets; }

  int descriptor() const override { return fd_.get(); }

  // That the interface went down is an error of the descriptor, too, told once and
  // to whoever asks first; deleted it is later, and not told. So IsGone() is wanted
  // each second until it is up again.
  bool IsGone(DescriptorState state) override;

  std::optional<Instant> NextDeadline() const override;

 private:
  struct Interface {
    std::string name;
    int index = 0;
    std::size_t mtu_octets = 0;
    int flags = 0;  // IFF_UP, ...
  };

  PacketSocket(UniqueFd fd, const Interface& interface,
               std::function<void()> on_return);

  static Result<Interface> Find(const PacketSocketOptions& options);
  static Result<UniqueFd> Open(const PacketSocketOptions& options,
                               const Interface& interface);
  static Status Share(const std::vector<UniqueFd>& sockets,
                      const Interface& interface);
  bool IsUp() const;

  UniqueFd fd_;
  Interface interface_;
  std::function<void()> on_return_;
  std::atomic<bool> is_down_;
  FrameReceiver receiver_;
  FrameSender sender_;
  FrameSender back_sender_;  // the receiving thread's
};

}  // namespace postern

#endif  // POSTERN_WIRE_PACKET_SOCKET_H_
