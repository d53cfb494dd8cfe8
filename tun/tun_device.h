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
// With TunFraming::kVnetHeader the kernel hands over super-packets of up to
// 64 KB and unfinished checksums, as far as it grants that (offload()), and
// takes super-packets. Whoever uses the port sees nothing of it: each packet in
// a batch is ordinary, complete, and one (tun/tun_reader.h, tun/tun_writer.h).
// tcpdump in the namespace sees super-packets, as on any network card.
//
// Send() does not compare with mtu(): a datagram that was reassembled or
// opened may be larger than what the host itself may send, and must reach it.
//
// Once ExpectStamps() was called, every packet must begin with a SocketStamp,
// which becomes its Packet::sender(); one that does not is dropped as
// kNotStamped. All of a super-packet have the stamp of the one.
//
// An interface may have several queues, each a TunDevice with a descriptor of its
// own, used by a thread of its own (CreateQueues()). What the kernel routes to
// the interface comes out of the queue that a SteeringProgram chooses; what goes
// into any of them arrives. The interface goes with the last of them.
//
// With TunLayer::kEthernet it is a TAP: the packets are whole Ethernet frames, and
// whoever is behind the descriptor is another station than the interface itself.
//
// If somebody deletes the interface, descriptor() reports POLLERR and Receive()
// returns 0.
//
// Thread safety: as PacketPort: Receive() in one thread, Send() in another;
// SetMtu() in the control thread.
// Cost: one system call per packet or super-packet.

#ifndef POSTERN_TUN_TUN_DEVICE_H_
#define POSTERN_TUN_TUN_DEVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/packet/batch.h"
#include "core/packet/packet_port.h"
#include "core/unique_fd.h"
#include "tun/netlink.h"
#include "tun/network_namespace.h"
#include "tun/socket_stamp.h"
#include "tun/steering_program.h"
#include "tun/tun_framing.h"
#include "tun/tun_reader.h"
#include "tun/tun_writer.h"

namespace postern {

struct TunOptions {
  std::string name = "postern0";  // at most 15 characters; "%d" is a number
  std::size_t mtu_octets = 1500;
  TunFraming framing = TunFraming::kPlain;
  TunLayer layer = TunLayer::kIp;  // kEthernet goes with kPlain
  // Packets that wait for Receive(); what comes when there are so many, the
  // kernel drops.
  std::size_t queue_packets = 500;
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

  // The same with as many queues. REQUIRES: count > 1.
  // Errors: as Create(), and kSystem: the kernel does not take the program, or
  // not so many queues.
  static Result<std::vector<std::unique_ptr<TunDevice>>> CreateQueues(
      const NetworkNamespace& inside, const TunOptions& options,
      const SteeringProgram& steering, std::size_t count);

  const std::string& name() const { return interface_->name; }

  // The kernel's interface index, which never changes.
  std::uint32_t index() const { return interface_->index; }

  // Of all queues. Errors: those of Netlink::SetMtu().
  Status SetMtu(std::size_t octets);

  // What the kernel granted; kNone with kPlain, and with a kernel that knows no
  // kVnetHeader.
  TunOffload offload() const { return offload_; }

  // REQUIRES: the link is down and AttachStampProgram() has put the program
  // of this stamp there.
  void ExpectStamps(const SocketStamp& stamp) { reader_.ExpectStamps(stamp); }

  // A packet larger than the pool's payload is dropped as kTooBig, one without
  // the expected stamp as kNotStamped; super-packets also as kTooBig if theirs
  // are larger than mtu(), and as kBadOffload.
  // Packets of a super-packet for which the batch or the pool has no room come
  // with the next call, although descriptor() may not say so: call it until it
  // returns 0.
  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    return reader_.Receive(batch, pool, stats, mtu());
  }

  // Drops what the kernel refuses: kPortBusy (EAGAIN, ENOBUFS, ENOMEM), kTooBig
  // (EMSGSIZE), else kPortRefused (EIO: the link is down; EINVAL: not IP).
  void Send(Batch& batch, WorkerStats& stats) override {
    writer_.Send(batch, stats);
  }

  void SendBack(Batch& batch, WorkerStats& stats) override {
    back_writer_.Send(batch, stats);
  }

  std::size_t mtu() const override {
    return interface_->mtu_octets.load(std::memory_order_relaxed);
  }

  int descriptor() const override { return fd_.get(); }

 private:
  friend class TunDeviceTestPeer;

  // What the kernel gave us.
  struct Attached {
    UniqueFd fd;
    std::string name;  // as the kernel completed it
    TunFraming framing = TunFraming::kPlain;
    TunOffload offload = TunOffload::kNone;
  };

  // What its queues share.
  struct Interface {
    Interface(Netlink opened, const Link& link)
        : netlink(std::move(opened)),
          name(link.name),
          index(link.index),
          mtu_octets(link.mtu_octets) {}

    Netlink netlink;
    const std::string name;
    const std::uint32_t index;
    std::atomic<std::size_t> mtu_octets;
  };

  TunDevice(Attached attached, std::shared_ptr<Interface> interface);

  // `queues`: 0, or IFF_MULTI_QUEUE.
  static Result<Attached> Attach(const TunOptions& options, int queues);
  static Result<std::vector<Attached>> AttachQueues(
      TunOptions options, const SteeringProgram& steering, std::size_t count);
  static Result<std::shared_ptr<Interface>> SetUp(
      const NetworkNamespace& inside, const std::string& name,
      const TunOptions& options);

  UniqueFd fd_;
  std::shared_ptr<Interface> interface_;
  TunOffload offload_;
  TunReader reader_;
  TunWriter writer_;
  TunWriter back_writer_;  // the receiving thread's
};

}  // namespace postern

#endif  // POSTERN_TUN_TUN_DEVICE_H_
