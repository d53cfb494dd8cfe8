// SPDX-License-Identifier: Apache-2.0
//
// A Coalescer finds, among the packets of one batch, those that one
// super-packet (core/net/vnet_header.h) can stand for, as Linux' GRO does: cut
// again, it gives the same packets.
//
//     coalescer.Clear();
//     for (ConstBytes packet : batch) { coalescer.Add(packet); }
//     for (const Run& run : coalescer.runs()) {
//       VnetHeader vnet = coalescer.Join(run, <the first packet>);
//       write: vnet, the first packet, then of each further one,
//              Next(run.first), Next(Next(run.first)), ..., what is behind
//              run.headers.size
//     }
//
// Packets become one if they follow each other in one flow of TCP or UDP and
// agree in everything but what a cut makes:
//
//     IP        same addresses, hop limit, traffic class and flow label; no
//               options, extension headers, fragments or octets behind the end.
//               IPv4: same flags; identifications counting up, or, with DF, all
//               the same (RFC 6864: nobody looks at them then)
//     TCP       ACK and nothing else, but the last may have PSH; consecutive
//               sequence numbers; same acknowledgement, window, options
//     UDP       with a checksum
//     payload   not empty; all of one size, but the last may have less
//     checksum  right. One that is wrong is neither hidden nor mended: its
//               packet stays by itself
//
// runs() is in the order of their first packets. A packet that cannot join its
// flow's run ends that, and one whose flow cannot be told ends all, so that each
// flow keeps its order. Up to kFlows flows may be mixed; more only make shorter
// runs.
//
// Thread safety: Worker-confined.
// Cost: a look at the headers of each packet; checksums only of those that
// find company.

#ifndef POSTERN_CORE_NET_COALESCER_H_
#define POSTERN_CORE_NET_COALESCER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "core/net/plain_headers.h"
#include "core/net/vnet_header.h"

namespace postern {

class Coalescer {
 public:
  static constexpr std::size_t kMostPackets = 64;
  static constexpr std::size_t kFlows = 16;

  enum class Datagrams : std::uint8_t { kApart, kTogether };

  // A row of packets. Indices are those of Add(), from 0 on.
  struct Run {
    ConstBytes head;       // the first packet
    PlainHeaders headers;  // of that one; of size 0 if it is not plain
    std::size_t size = 0;  // of all, with one's headers
    std::uint8_t first = 0;
    std::uint8_t last = 0;
    std::uint8_t count = 0;
    std::uint8_t id_step = 0;  // IPv4's identification, once count > 1
    bool has_push = false;     // the last one
    bool is_open = false;      // may grow
    bool is_verified = false;  // the checksums of the first one are right
  };

  // `datagrams`: whether the kernel takes super-packets of UDP.
  explicit Coalescer(Datagrams datagrams) : datagrams_(datagrams) {}

  void Clear();

  // REQUIRES: fewer than kMostPackets since Clear() (checked); the packet stays
  // where and as it is until its run was joined.
  void Add(ConstBytes packet);

  std::span<const Run> runs() const {
    return std::span(runs_).first(run_count_);
  }

  // The one that follows in its run. REQUIRES: index is not the run's last.
  std::size_t Next(std::size_t index) const { return next_[index]; }

  // Makes the headers of the run's first packet those of the super-packet, and
  // describes it. A packet by itself stays as it is.
  // REQUIRES: `first` is the run's first packet.
  static VnetHeader Join(const Run& run, Bytes first);

 private:
  struct Flow {
    std::uint32_t tag = 0;
    std::uint8_t run = 0;  // its latest
  };

  Flow* FindFlow(ConstBytes packet, const PlainHeaders& headers);
  Flow& ClaimFlow(std::uint32_t tag);
  bool Grow(Run& run, ConstBytes packet, const PlainHeaders& headers);
  std::uint8_t Begin(ConstBytes packet, const PlainHeaders& headers);

  Datagrams datagrams_;
  std::array<std::uint8_t, kMostPackets> next_{};
  std::array<Run, kMostPackets> runs_{};
  std::array<Flow, kFlows> flows_{};
  std::size_t packet_count_ = 0;
  std::size_t run_count_ = 0;
  std::size_t flow_count_ = 0;   // of flows_ in use
  std::size_t oldest_flow_ = 0;  // whose place the next one takes
};

}  // namespace postern

#endif  // POSTERN_CORE_NET_COALESCER_H_
