// SPDX-License-Identifier: Apache-2.0
//
// A PacketProtector applies SAs to IP packets in the order of the categories:
//
//     ESP transport, AH transport     between the packet's own addresses
//     ESP tunnel, else AH tunnel      one whose ends are these addresses, else the
//                                     first of the file whose selector matches
//
// Which SA of several fits is the SADB's choice: the newest, the last of the file.
// The packet as it was at first is what selectors judge.
//
// Thread safety: one thread's.

#ifndef POSTERN_OFFLINE_PACKET_PROTECTOR_H_
#define POSTERN_OFFLINE_PACKET_PROTECTOR_H_

#include <cstdint>
#include <vector>

#include "core/net/ip_view.h"
#include "core/packet/packet.h"
#include "offline/offline_sadb.h"
#include "offline/verdict.h"

namespace postern {

class PacketProtector {
 public:
  // `sadb` has these SAs, outbound ones, and outlives this.
  PacketProtector(Sadb& sadb, const std::vector<SaParameters>& associations);

  // Refused are: what is no sound IP packet, and what an SA refuses (fragments,
  // in transport mode). A refused packet's octets mean nothing.
  Verdict Protect(Packet& packet);

 private:
  SecurityAssociation* FindTransport(IpsecProtocol protocol,
                                     const Traffic& traffic) const;
  SecurityAssociation* FindTunnel(IpsecProtocol protocol,
                                  const Traffic& traffic) const;

  Sadb& sadb_;
  std::vector<TunnelEndpoints> tunnels_;  // in the file's order
};

}  // namespace postern

#endif  // POSTERN_OFFLINE_PACKET_PROTECTOR_H_
