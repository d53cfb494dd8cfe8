// SPDX-License-Identifier: Apache-2.0
//
// Whatever IpView::Parse() accepts keeps its promises: every offset lies in the
// packet, in the order of the drawing in core/net/ip_view.h.

#include "core/net/ip_view.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

void Look(const postern::IpView& view, std::size_t size) {
  using postern::Claim;
  Claim("the packet is in the octets", view.size() <= size);
  Claim("the header is in the packet", view.header_length() <= view.size());
  Claim("the payload is behind the header",
        view.payload_offset() >= view.header_length() &&
            view.payload_offset() <= view.size());
  Claim("the protocol is named before the payload",
        view.protocol_offset() < view.payload_offset());
  Claim("IPsec goes in between header and payload",
        view.insertion_offset() >= view.header_length() &&
            view.insertion_offset() <= view.payload_offset());
  Claim("what precedes it names it",
        view.insertion_protocol_offset() < view.insertion_offset());
  Claim("the payload is the rest",
        view.payload().size() == view.size() - view.payload_offset());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  const postern::ConstBytes packet(octets, size);
  const postern::Opinion<postern::IpView> view = postern::IpView::Parse(packet);
  if (!view.ok()) {
    return 0;
  }
  Look(*view, size);
  const auto there = view->Key(postern::Direction::kOutbound);
  const auto back = view->Key(postern::Direction::kInbound);
  postern::Claim("both directions agree that there is a key",
                 there.ok() == back.ok());
  return 0;
}
