// SPDX-License-Identifier: Apache-2.0

#include "wire/tun_wire.h"

#include <utility>

#include "gtest/gtest.h"

#include "tests/unit/wire/port_fixture.h"

namespace postern {
namespace {

// A device that, like a TUN, takes packets larger than its own MTU.
class Generous : public PacketPort {
 public:
  explicit Generous(std::unique_ptr<PacketPort> port)
      : port_(std::move(port)) {}

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override {
    return port_->Receive(batch, pool, stats);
  }

  void Send(Batch& batch, WorkerStats& stats) override {
    port_->Send(batch, stats);
  }

  std::size_t mtu() const override { return 1000; }

  int descriptor() const override { return 77; }

 private:
  std::unique_ptr<PacketPort> port_;
};

class TunWireTest : public PortFixture {
 protected:
  TunWire wire_{std::make_unique<Generous>(std::move(near_))};
};

TEST_F(TunWireTest, SaysWhatItIs) {
  EXPECT_EQ(wire_.kind(), WireKind::kTun);
  EXPECT_EQ(wire_.overhead_octets(), 0U);
  EXPECT_EQ(wire_.mtu(), 1000U);
  EXPECT_EQ(wire_.descriptor(), 77);
}

TEST_F(TunWireTest, CarriesPacketsBothWays) {
  Send(wire_, {Numbered(1), Numbered(2)});
  EXPECT_EQ(ReceiveAll(*far_), (std::vector<Octets>{Numbered(1), Numbered(2)}));
  Send(*far_, {Numbered(3)});
  EXPECT_EQ(ReceiveAll(wire_), (std::vector<Octets>{Numbered(3)}));
}

TEST_F(TunWireTest, DropsWhatIsLargerThanItsMtuAndSendsTheRest) {
  Send(wire_, {Numbered(1, 1000), Numbered(2, 1001), Numbered(3)});
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  EXPECT_EQ(ReceiveAll(*far_),
            (std::vector<Octets>{Numbered(1, 1000), Numbered(3)}));
}

}  // namespace
}  // namespace postern
