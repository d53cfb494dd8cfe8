// SPDX-License-Identifier: Apache-2.0
//
// A PacketOpener removes AH, ESP and UDP around ESP from IP packets until nothing
// of them is left: SA by (SPI, destination, protocol), replay window, transform,
// window, as the inbound pipeline does (pipeline/inbound.h), and then the SAs'
// selectors. There are no levels and no routes: what never was protected passes.
//
// Fragments of AH and ESP packets are not put together: they are refused.
//
// Thread safety: one thread's.

#ifndef POSTERN_OFFLINE_PACKET_OPENER_H_
#define POSTERN_OFFLINE_PACKET_OPENER_H_

#include "core/net/ip_view.h"
#include "core/packet/packet.h"
#include "offline/offline_sadb.h"
#include "offline/verdict.h"
#include "pipeline/arrival.h"
#include "policy/bundle.h"

namespace postern {

class PacketOpener {
 public:
  // `sadb` has inbound SAs, and outlives this.
  explicit PacketOpener(Sadb& sadb) : sadb_(sadb) {}

  // A refused packet's octets mean nothing.
  // Errors: those of the inbound pipeline but its policy's; kFragment.
  Verdict Open(Packet& packet);

 private:
  Passage OpenAll(Packet& packet, Steps& steps);
  Passage RemoveOne(const IpsecHeader& header, Packet& packet, Steps& steps);

  Sadb& sadb_;
};

}  // namespace postern

#endif  // POSTERN_OFFLINE_PACKET_OPENER_H_
