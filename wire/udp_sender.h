// SPDX-License-Identifier: Apache-2.0
//
// A UdpSender sends the datagrams of one socket as trains: consecutive datagrams
// to one peer, equal in size except that the last may be shorter, pass the
// kernel as one message (UDP_SEGMENT) and are cut up at the interface, or by it.
//
//     datagrams   [1400][1400][1400][600]  [1400][1400]  [90]
//     trains       `-------- 1 --------'    `--- 2 ---'   3
//     system calls `------------------- 1 -------------------'
//
// Nothing is copied here: a message has one iovec for each datagram.
//
// Where the kernel refuses a train although it takes its datagrams one by one,
// no more trains are made for this destination, for good, and one line in the
// log says so: it may be the way there that can have none (a device without
// checksums), and other destinations have other ways.
//
// Thread safety: Worker-confined. Cost: one sendmmsg() a flush; no allocation.

#ifndef POSTERN_WIRE_UDP_SENDER_H_
#define POSTERN_WIRE_UDP_SENDER_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "wire/udp_endpoint.h"
#include "wire/udp_socket.h"

namespace postern {

struct UdpDatagram {
  ConstBytes octets;
  const SocketAddress* to = nullptr;  // outlives the sender, in its place
  std::uint8_t traffic_class = 0;     // DSCP and ECN of the outer IP header
};

class UdpSender {
 public:
  static constexpr std::size_t kMost = Batch::kCapacity;

  // `socket` outlives the sender.
  explicit UdpSender(const UdpSocket& socket);

  // What was added must live until Flush().
  // REQUIRES: at most kMost since the last Flush(); octets are not empty.
  void Add(const UdpDatagram& datagram);

  // Sends everything in order. What the kernel refuses is counted (kPortBusy,
  // kTooBig, kPortRefused) and gone.
  void Flush(WorkerStats& stats);

  // Whether datagrams to there may go as trains.
  bool SendsTrainsTo(const SocketAddress& to) const;

 private:
  struct Train {
    std::size_t first = 0;  // of datagrams_
    std::size_t count = 0;
    std::size_t octets = 0;
  };

  bool Extends(const Train& train, const UdpDatagram& next) const;
  void Prepare(std::size_t message, const Train& train);
  void FlushTrain(std::size_t message, int errno_value, WorkerStats& stats);
  void SendOneByOne(std::size_t message, WorkerStats& stats);
  void StopTrainsTo(const SocketAddress& to, int errno_value);
  void CountSent(std::span<const Train> trains, WorkerStats& stats);

  // IP_TOS or IPV6_TCLASS, and UDP_SEGMENT.
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t,
               CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t))>
        octets;
  };

  const UdpSocket& socket_;
  std::vector<const SocketAddress*> without_trains_;  // as a rule none
  std::size_t size_ = 0;                              // datagrams
  std::size_t trains_size_ = 0;
  std::array<UdpDatagram, kMost> datagrams_{};
  std::array<Train, kMost> trains_{};
  std::array<iovec, kMost> parts_{};
  std::array<mmsghdr, kMost> messages_{};
  std::array<Control, kMost> controls_{};
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_SENDER_H_
