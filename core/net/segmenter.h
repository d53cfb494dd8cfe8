// SPDX-License-Identifier: Apache-2.0
//
// A Segmenter cuts a super-packet that the kernel made (core/net/vnet_header.h)
// into the ordinary packets that it stands for, just as a network card with TSO
// or Linux' own GSO would:
//
//     | IP | TCP | payload 0 ........... 1 ........... 2 ..... |
//                        |             |             |
//     | IP | TCP | ......|             |             |           seq
//     | IP | TCP | .............       |             |           seq + gso_size
//     | IP | TCP | .......                                       ..., FIN, PSH
//
// Lengths, IPv4's identification (counted up) and header checksum, TCP's
// sequence number and UDP's length are each packet's own. FIN and PSH stay on
// the last packet only, CWR on the first only. Everything else, options and
// extension headers too, is the same in all. Checksums are complete.
//
//     Opinion<Segmenter> cut = Segmenter::Start(vnet, super);
//     for (; !cut->done();) {
//       Packet packet = pool.Take(cut->next_size());
//       cut->CutNext(packet.bytes());
//     }
//
// Whoever gets what the kernel has not finished otherwise calls
// FinishChecksum().
//
// Thread safety: a plain value; it borrows the super-packet.
// Cost: one pass over the payload, copied and summed at once.

#ifndef POSTERN_CORE_NET_SEGMENTER_H_
#define POSTERN_CORE_NET_SEGMENTER_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/net/vnet_header.h"

namespace postern {

class Segmenter {
 public:
  // Done at once.
  Segmenter() = default;

  // Nothing is believed of `vnet` that the packet does not bear out.
  // REQUIRES: vnet.is_super_packet(); `packet` outlives the segmenter.
  // Errors: kBadOffload, and those of IpView::Parse().
  static Opinion<Segmenter> Start(const VnetHeader& vnet, ConstBytes packet);

  bool done() const { return left_.empty(); }

  // Octets of the next packet. None is larger than the first.
  std::size_t next_size() const;

  // REQUIRES: !done() and to.size() == next_size().
  void CutNext(Bytes to);

 private:
  Passage TakeTransport(const VnetHeader& vnet, const IpView& view);

  ConstBytes headers_;         // of the super-packet, both
  ConstBytes left_;            // of its payload
  std::size_t transport_ = 0;  // where its header begins
  std::size_t gso_size_ = 0;
  InternetSum pseudo_;          // of the pseudo-header without its length
  std::size_t cut_octets_ = 0;  // of payload, so far
  std::uint16_t cut_packets_ = 0;
  bool is_tcp_ = false;
};

// Forms the checksum that the kernel has left to us, if it has.
// REQUIRES: !vnet.is_super_packet().
// Errors: kBadOffload.
Passage FinishChecksum(const VnetHeader& vnet, Bytes packet);

}  // namespace postern

#endif  // POSTERN_CORE_NET_SEGMENTER_H_
