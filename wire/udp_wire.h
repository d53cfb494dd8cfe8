// SPDX-License-Identifier: Apache-2.0
//
// The wire of kind `udp`: ESP in UDP (RFC 3948) between configured peers, by
// ordinary sockets of the outer namespace. The fastest wire, since the kernel
// cuts up and puts together trains of datagrams (docs/wires.md).
//
//     Send()      IP(host a -> host b) | ESP   ->  UDP(at a -> at b) | ESP
//     Receive()   UDP(at b -> at a) | ESP      ->  IP(host b -> host a) | ESP
//
// Only ESP behind a plain IP header to a peer's host can leave; only datagrams
// of peers come in. Whatever else is dropped by name. What must not be asked of
// such a wire is refused before (daemon/wire_limits.h).
//
// Thread safety: as PacketPort.
// Cost: a look-up for each train; one copy of what is received.

#ifndef POSTERN_WIRE_UDP_WIRE_H_
#define POSTERN_WIRE_UDP_WIRE_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/unique_fd.h"
#include "wire/udp_peers.h"
#include "wire/udp_receiver.h"
#include "wire/udp_sender.h"
#include "wire/udp_socket.h"
#include "wire/wire.h"

namespace postern {

struct UdpWireOptions {
  std::vector<UdpEndpoint> listen;  // at most one of each family
  std::vector<UdpPeer> peers;
  std::vector<IpAddress> own_addresses;  // of the virtual host
  // Of the way to the peers; else that of the interfaces of `listen`.
  std::optional<std::size_t> path_mtu_octets;
  std::size_t buffer_octets = 4U << 20U;  // of the kernel, each direction
};

class UdpWire : public Wire {
 public:
  // What a pool's packet holds.
  static constexpr std::size_t kMostMtu = 9216;

  // Opens the sockets, in the calling thread's network namespace.
  // Errors: those of UdpPeers::Create() and UdpSocket::Open(); kInvalid: a peer
  // of a family in which nothing listens, two sockets of one family.
  static Result<std::unique_ptr<UdpWire>> Create(const UdpWireOptions& options);

  // The same, by as many ports, each for threads of its own: a peer's datagrams
  // come in by one of them (SO_REUSEPORT), and leave by any. REQUIRES: count > 0.
  static Result<std::vector<std::unique_ptr<UdpWire>>> CreateSeveral(
      const UdpWireOptions& options, std::size_t count);

  WireKind kind() const override { return WireKind::kUdp; }

  std::size_t overhead_octets() const override { return overhead_; }

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override { return mtu_; }

  // An epoll set of the sockets, so that no error of a socket is one of this.
  int descriptor() const override { return waiting_.get(); }

  // The sockets, as they were bound.
  std::vector<UdpEndpoint> listening() const;

 private:
  struct Line {
    explicit Line(UdpSocket opened)
        : socket(std::move(opened)), sender(socket) {}

    UdpSocket socket;
    UdpSender sender;
  };

  UdpWire(UdpPeers peers, UniqueFd waiting)
      : peers_(std::move(peers)), waiting_(std::move(waiting)) {}

  // `first`: whose sockets' ports it shares; null: it has them alone.
  static Result<std::unique_ptr<UdpWire>> Make(const UdpWireOptions& options,
                                               const UdpWire* first);
  Status Listen(const UdpWireOptions& options, const UdpWire* first);
  Status Watch(const UdpSocket& socket) const;
  Line* LineTo(const UdpPeers::Entry& peer);
  Passage Queue(ConstBytes packet);
  std::size_t Fetch(WorkerStats& stats);
  Opinion<Packet> Accept(const UdpReceiver::Arrived& arrived, PacketPool& pool);
  void DropArrived(WorkerStats& stats);

  UdpPeers peers_;
  UniqueFd waiting_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::size_t overhead_ = 0;
  std::size_t mtu_ = 0;
  // Of the sending thread: the last destination, and who that is.
  std::optional<IpAddress> destination_;
  const UdpPeers::Entry* to_ = nullptr;
  Line* line_ = nullptr;
  // Of the receiving thread.
  UdpReceiver receiver_;
  const UdpPeers::Entry* from_ = nullptr;
  std::size_t turn_ = 0;  // the line that was last asked
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_WIRE_H_
