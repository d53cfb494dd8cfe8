// SPDX-License-Identifier: Apache-2.0
//
// A TunDevice is a TUN interface and the descriptor behind it: what the kernel
// of its namespace routes there comes out of Receive(), and what goes into
// Send() arrives in that kernel. The host's door is one, the wire of kind `tun`
// is another.
//
//     auto tun = TunDevice::Create(host, {.name = "postern0"});
//     netlink->SetState("postern0", LinkState::kUp);
//
// The interface goes with this object. It is created down, without addresses,
// and told never to make any: our TUN speaks only when spoken to.
//
// Send() does not compare with mtu(): a datagram that was reassembled or
// opened may be larger than what the host itself may send, and must reach it.
//
// Once ExpectStamps() was called, every packet must begin with a SocketStamp,
// which becomes its Packet::sender(); one that does not is dropped as
// kNotStamped.
//
// If somebody deletes the interface, descriptor() reports POLLERR and Receive()
// returns 0.
//
// Thread safety: as PacketPort: Receive() in one thread, Send() in another;
// SetMtu() in the control thread.
// Cost: one system call per packet.

#ifndef POSTERN_TUN_TUN_DEVICE_H_
#define POSTERN_TUN_TUN_DEVICE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/packet/batch.h"
#include "core/packet/packet_port.h"
#include "core/unique_fd.h"
#include "tun/netlink.h"
#include "tun/network_namespace.h"
#include "tun/socket_stamp.h"

namespace postern {

// What stands in front of each packet on the descriptor.
enum class TunFraming : std::uint8_t {
  kPlain,       // nothing
  kVnetHeader,  // struct virtio_net_hdr, to and from Packet::vnet()
};

struct TunOptions {
  std::string name = "postern0";  // at most 15 characters; "%d" is a number
  std::size_t mtu_octets = 1500;
  TunFraming framing = TunFraming::kPlain;
};

class TunDevice : public PacketPort {
 public:
  // Makes the interface in `inside`, or takes over a persistent one of this
  // name that nobody uses.
  // Errors: kInvalid (name or MTU), kUnavailable (the kernel has no TUN),
  // kForbidden, kExists (another process or another kind of interface has the
  // name), those of NetworkNamespace::RunInside() and Netlink.
  static Result<std::unique_ptr<TunDevice>> Create(
      const NetworkNamespace& inside, const TunOptions& options);

  const std::string& name() const { return name_; }

  // The kernel's interface index, which never changes.
  std::uint32_t index() const { return index_; }

  // Errors: those of Netlink::SetMtu().
  Status SetMtu(std::size_t octets);

  // REQUIRES: the link is down and AttachStampProgram() has put the program
  // of this stamp there.
  void ExpectStamps(const SocketStamp& stamp) { stamp_ = stamp; }

  // A packet larger than the pool's payload is dropped as kTooBig, one without
  // the expected stamp as kNotStamped.
  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  // Drops what the kernel refuses: kPortBusy (EAGAIN, ENOBUFS, ENOMEM), kTooBig
  // (EMSGSIZE), else kPortRefused (EIO: the link is down; EINVAL: not IP).
  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override {
    return mtu_octets_.load(std::memory_order_relaxed);
  }

  int descriptor() const override { return fd_.get(); }

 private:
  friend class TunDeviceTestPeer;

  TunDevice(UniqueFd fd, Netlink netlink, const Link& link, TunFraming framing);

  // What one read brought: the packet's octets are in the packet already.
  struct Arrival {
    std::int64_t octets = -1;  // all of them; negative: nothing waits
    std::array<std::uint8_t, SocketStamp::kOctets> stamp{};
  };

  Arrival ReadInto(Packet& packet);
  Passage Accept(Packet& packet, const Arrival& arrival) const;
  std::int64_t Write(Packet& packet);

  UniqueFd fd_;
  Netlink netlink_;
  std::string name_;
  std::uint32_t index_;
  std::atomic<std::size_t> mtu_octets_;
  TunFraming framing_;
  std::optional<SocketStamp> stamp_;  // empty: packets bring none
};

}  // namespace postern

#endif  // POSTERN_TUN_TUN_DEVICE_H_
