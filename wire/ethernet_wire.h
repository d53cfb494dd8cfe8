// SPDX-License-Identifier: Apache-2.0
//
// The wires of the kinds `packet` and `tap`: the virtual host is a station of an
// Ethernet, with an Ethernet address of its own.
//
//     Send()      IP packet  ->  who is next, and where?  ->  | header | IP packet |
//     Receive()   | header | IP packet |  ->  IP packet
//                 ARP, Neighbour Discovery  ->  the link's business, answered here
//
// Where to: a way of its own that is still good; else EthernetLink::Towards() says
// which neighbour is next, and FindWay() at which Ethernet address, or keeps the
// packet.
//
// The frames go through a port that comes from outside: a PacketSocket on a real
// interface, a TAP of the layer tun/, two ends in memory. Such a port is a
// PacketPort whose packets are whole frames.
//
// Thread safety: as PacketPort.
// Cost: of a packet that goes where the one before went, 14 octets in front of it.

#ifndef POSTERN_WIRE_ETHERNET_WIRE_H_
#define POSTERN_WIRE_ETHERNET_WIRE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/clock.h"
#include "core/packet/packet_port.h"
#include "wire/ethernet.h"
#include "wire/ethernet_link.h"
#include "wire/wire.h"

namespace postern {

class EthernetWire : public Wire {
 public:
  // A frame of more is not what a pool's packet holds.
  static constexpr std::size_t kMostMtu = 9216 - kEthernetHeaderSize;

  struct Parts {
    WireKind kind = WireKind::kPacket;
    std::unique_ptr<PacketPort> frames;  // its mtu(): of the IP packets in them
    std::shared_ptr<EthernetLink> link;  // that of the wire's other ports, too
    std::size_t most_mtu = kMostMtu;
    std::function<Instant()> clock = MonotonicNow;
  };

  // REQUIRES: frames and link are not null; most_mtu <= kMostMtu.
  explicit EthernetWire(Parts parts) : parts_(std::move(parts)) {}

  WireKind kind() const override { return parts_.kind; }

  std::size_t overhead_octets() const override { return kEthernetHeaderSize; }

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override {
    return std::min(parts_.frames->mtu(), parts_.most_mtu);
  }

  int descriptor() const override { return parts_.frames->descriptor(); }

  bool IsGone(DescriptorState state) override {
    return parts_.frames->IsGone(state);
  }

  std::optional<Instant> NextDeadline() const override {
    return Earlier(parts_.link->NextDue(), parts_.frames->NextDeadline());
  }

 private:
  // Where a destination's frames go, and how long that holds.
  using Way = Neighbours::Way;

  enum class Fate : std::uint8_t { kHasHeader, kKept };

  enum class Content : std::uint8_t { kIpPacket, kLinkMessage };

  // With what a Receive() works.
  struct Reception {
    PacketPool& pool;
    WorkerStats& stats;
  };

  void ForgetOldWays();
  Opinion<Fate> PutHeader(Packet& packet, Instant now, WorkerStats& stats);
  Opinion<const Way*> WayTo(const IpAddress& destination, const Packet& packet,
                            Instant now, WorkerStats& stats);
  void SendQuestion(const Packet& asks, const EthernetLink::Frames& frames,
                    WorkerStats& stats);

  EthernetLink::Sink SinkOf(const Reception& reception);
  void TickIfDue(const Reception& reception);
  void Sift(Batch& batch, std::size_t from, const Reception& reception);
  Opinion<Content> Open(Packet& frame, const Reception& reception);
  Opinion<Content> OpenIp(Packet& frame, const EthernetHeader& header,
                          const Reception& reception);
  void SendFrames(const EthernetLink::Frames& frames,
                  const Reception& reception);

  Parts parts_;
  // Of the sending thread.
  std::unordered_map<IpAddress, Way> ways_;
  std::uint64_t generation_ = 0;          // of ways_
  std::optional<IpAddress> destination_;  // of the packet before
  const Way* way_ = nullptr;              // to there
};

}  // namespace postern

#endif  // POSTERN_WIRE_ETHERNET_WIRE_H_
