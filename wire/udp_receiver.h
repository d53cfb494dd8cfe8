// SPDX-License-Identifier: Apache-2.0
//
// A UdpReceiver takes what waits in sockets, many messages a system call, and
// hands it out datagram by datagram. With UDP_GRO a message may be a train:
//
//     message   |  1400  |  1400  |  1400  | 600 |   segment size 1400
//     Next()        1        2        3       4
//
// A train's datagrams came from one endpoint and had one traffic class: the
// kernel puts no others together.
//
// Thread safety: Worker-confined. Cost: recvmmsg() for up to kMessages messages;
// 1 MiB of buffers, of which only what arrives is touched.

#ifndef POSTERN_WIRE_UDP_RECEIVER_H_
#define POSTERN_WIRE_UDP_RECEIVER_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/bytes.h"
#include "core/stats.h"
#include "wire/udp_endpoint.h"

namespace postern {

class UdpReceiver {
 public:
  static constexpr std::size_t kMessages = 16;

  struct Arrived {
    ConstBytes octets;  // valid until the next Fetch()
    std::uint8_t traffic_class = 0;
    // Whether it begins a message: only then from() may have changed.
    enum class Place : std::uint8_t { kFirst, kLater } place = Place::kFirst;
  };

  UdpReceiver();

  // Fills the buffers anew, never blocking; returns how many messages came,
  // kMessages if more may wait. An error that an earlier datagram has caused is
  // taken from the socket, and is of no interest.
  // REQUIRES: Next() has returned nothing.
  std::size_t Fetch(int socket, WorkerStats& stats);

  // Nothing when there is no more.
  std::optional<Arrived> Next();

  // Whence the last datagram came.
  UdpEndpoint from() const { return EndpointOf(senders_[current_]); }

 private:
  // The largest UDP payload fits.
  static constexpr std::size_t kMessageOctets = 65536;

  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, 2 * CMSG_SPACE(sizeof(int))> octets;
  };

  struct Message {
    ConstBytes octets;
    std::size_t segment = 0;
    std::uint8_t traffic_class = 0;
  };

  Bytes Buffer(std::size_t message);
  Message Read(std::size_t message);

  std::unique_ptr<std::uint8_t[]> buffers_;
  std::array<sockaddr_storage, kMessages> senders_{};
  std::array<Control, kMessages> controls_{};
  std::array<iovec, kMessages> parts_{};
  std::array<mmsghdr, kMessages> messages_{};
  std::array<Message, kMessages> arrived_{};
  std::size_t size_ = 0;     // messages
  std::size_t next_ = 0;     // the message that Next() looks at
  std::size_t current_ = 0;  // the message that Next() last took from
  std::size_t offset_ = 0;   // in it
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_RECEIVER_H_
