// SPDX-License-Identifier: Apache-2.0
//
// The security association database: the verbs of RFC 2367 for one writer, and
// two look-ups for the workers.
//
//     inbound    (SPI, destination, protocol)                  -> SA
//     outbound   (protocol, mode, source, destination, owner)  -> newest usable
//
// Both are RCU hash tables (liburcu's lock-free resizable one): readers take no
// lock and no reference; what they find is valid until their next quiescent
// state. Nothing is ever copied as a whole, so a million SAs cost a million
// nodes.
//
// SAs that are one socket's alone (API-19) are found by it, and those whose
// selector allows one 5-tuple only by that: ten thousand of them between two
// hosts cost no more than one.
//
// generation() rises with every change that could alter an answer. A worker
// that keeps an SA in its own table (a flow's bundle) keeps the generation
// with it and looks again when it differs; a deleted SA is destroyed only after
// a grace period that begins after the rise. It rises, too, when a packet ends
// an SA.
//
// The sink gets every SA's events. After kHardExpired the SA is dead but still
// there, for Get(), until the next Age(); an event that the sink refuses is
// offered again and the SA kept as long.
//
// Thread safety: Find*() and generation(): Thread-safe for registered RCU
// readers. Everything else: Control-confined (one writer), and waits for no
// reader.
// Cost: O(1) look-ups, two or three cache lines.

#ifndef POSTERN_SADB_SADB_H_
#define POSTERN_SADB_SADB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/clock.h"
#include "core/error.h"
#include "core/ipsec.h"
#include "sadb/sa_events.h"
#include "sadb/sa_parameters.h"
#include "sadb/security_association.h"
#include "sadb/udp_port_set.h"

namespace postern {

// A further condition of whoever looks for an SA.
class SaFilter {
 public:
  virtual bool Accepts(const SaParameters& sa) const = 0;

 protected:
  ~SaFilter() = default;
};

class Sadb {
 public:
  struct Limits {
    std::size_t associations = 4'000'000;
  };

  explicit Sadb(SaEventSink& sink);
  Sadb(SaEventSink& sink, const Limits& limits);
  // REQUIRES: no worker uses it any more.
  ~Sadb();
  Sadb(const Sadb&) = delete;
  Sadb& operator=(const Sadb&) = delete;

  // Errors: those of Validate(); kExists when the identity is taken, or when
  // another SA, of either direction, uses the same key in a counter mode (the
  // IVs would collide; GCM-01, GCM-09, CTR-06, CCM-07); kExhausted at the limit. A dead SA is in nobody's way.
  Status Add(SaParameters parameters, const SecurityAssociation::Start& start,
             Instant now);

  // Replaces lifetimes and nothing else (SAD-20, PFK-33).
  // Errors: kNotFound, also when the SA is dead; kInvalid.
  Status Update(const SaIdentity& identity, const Lifetime& soft,
                const Lifetime& hard, Instant now);

  // Errors: kNotFound.
  Status Delete(const SaIdentity& identity);

  // Deletes all; returns how many there were.
  std::size_t Flush();

  // For the control thread; null when there is none. Valid until the next
  // change by the same thread.
  SecurityAssociation* Get(const SaIdentity& identity);

  // Calls `visit` for each SA, in no order.
  // REQUIRES: `visit` adds and deletes nothing.
  void Dump(const std::function<void(SecurityAssociation&)>& visit);

  // Ages every SA whose time bound has passed, and deletes those that ended
  // before this call: between the two their kHardExpired can be acted upon.
  // Cost: O(SAs that expire), not O(SAs).
  void Age(Instant now);

  std::size_t size() const;

  // Workers. Null when there is none; FindOutbound() returns only usable SAs,
  // the newest first.
  SecurityAssociation* FindInbound(Spi spi, const IpAddress& destination,
                                   IpsecProtocol protocol) const;

  // By what an ICMP error quotes of a packet that this host sent.
  SecurityAssociation* FindSent(Spi spi, const IpAddress& destination,
                                IpsecProtocol protocol) const;

  // Whether an inbound SA expects ESP in UDP at this port of the host.
  bool ExpectsUdpAt(std::uint16_t port) const { return udp_ports_.Has(port); }

  // Whether any does, at whatever port.
  bool ExpectsUdp() const { return !udp_ports_.empty(); }

  struct OutboundKey {
    IpsecProtocol protocol = IpsecProtocol::kEsp;
    IpsecMode mode = IpsecMode::kTransport;  // SaParameters::found_as()
    IpAddress source;
    IpAddress destination;
    // The socket whose alone the SA is (API-19); absent: everybody's.
    std::optional<SocketCookie> owner{};

    friend bool operator==(const OutboundKey&, const OutboundKey&) = default;
  };

  // `key` selects, and an SA that has an owner is found by its owner only; of
  // several the newest whose selector matches `traffic`, and that
  // the filter accepts, wins.
  SecurityAssociation* FindOutbound(const OutboundKey& key,
                                    const Traffic& traffic,
                                    const SaFilter* filter = nullptr) const;

  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

 private:
  struct Entry;
  class Tables;

  std::atomic<std::uint64_t> generation_{1};
  UdpPortSet udp_ports_;
  std::unique_ptr<Tables> tables_;
};

}  // namespace postern

#endif  // POSTERN_SADB_SADB_H_
