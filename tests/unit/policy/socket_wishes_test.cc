// SPDX-License-Identifier: Apache-2.0
//
// Wishes alone, and what packets make of them.

#include "policy/socket_wishes.h"

#include <memory>
#include <variant>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr Category kEsp = Category::kEspTransport;
constexpr Category kAuth = Category::kAh;
constexpr SocketCookie kSocket{11};
constexpr SocketCookie kListener{12};
constexpr SocketCookie kChild{13};

Identity Named(const char* text) {
  return *Identity::Parse(text);
}

class SocketWishesTest : public PolicyWorld {
 protected:
  void SetUp() override { kernel_.Open(KeyOf(IpProtocol::kUdp), kSocket); }

  void Wish(SocketCookie cookie, const SocketWishes& wishes) {
    const Status set = sockets_.Obtain(cookie).value()->SetWishes(
        std::make_shared<const SocketWishes>(wishes));
    EXPECT_TRUE(set.ok());
    if (wishes.binding()) {
      sockets_.NoteWish();
    }
  }

  SecurityAssociation& AddNamed(Category category, Direction direction,
                                const char* local, const char* peer) {
    SaParameters sa = Parameters(category, direction);
    sa.local_identity = Named(local);
    sa.peer_identity = Named(peer);
    return Add(sa);
  }

  // The SA that the next datagram takes; null when it must wait.
  const SecurityAssociation* Taken() {
    const Decision decision = Decide(ToPeer().Udp(80, 4711, {1}));
    const auto* protect = std::get_if<Protect>(&decision);
    if (protect == nullptr) {
      EXPECT_TRUE(std::holds_alternative<NeedSa>(decision));
      return nullptr;
    }
    return protect->bundle->associations()[0];
  }
};

TEST_F(SocketWishesTest, EverySaFitsWithoutWishes) {
  EXPECT_TRUE(Accepts(nullptr, Parameters(kEsp, Direction::kOutbound)));
  const SocketWishes none;
  EXPECT_FALSE(none.binding());
  EXPECT_TRUE(Accepts(&none, Parameters(kEsp, Direction::kOutbound)));
}

// API-37
TEST_F(SocketWishesTest, AnSaWithoutTheIdentityDoesNotFit) {
  SaParameters sa = Parameters(kEsp, Direction::kOutbound);
  SocketWishes wishes{.peer = Named("fqdn:b.example")};
  EXPECT_FALSE(Accepts(&wishes, sa));
  sa.peer_identity = Named("fqdn:other.example");
  EXPECT_FALSE(Accepts(&wishes, sa));
  sa.peer_identity = Named("fqdn:B.example");
  EXPECT_TRUE(Accepts(&wishes, sa));
  wishes.mine = Named("key_id:7");
  EXPECT_FALSE(Accepts(&wishes, sa));
  sa.local_identity = Named("key_id:7");
  EXPECT_TRUE(Accepts(&wishes, sa));
}

// API-39
TEST_F(SocketWishesTest, AWeakerSaDoesNotFit) {
  const SaParameters sa = Parameters(kEsp, Direction::kOutbound);  // 128 bits
  SocketWishes wishes{.least_key_bits = 128};
  EXPECT_TRUE(Accepts(&wishes, sa));
  wishes.least_key_bits = 129;
  EXPECT_FALSE(Accepts(&wishes, sa));
  wishes = {.algorithms = *AlgorithmSet::Parse("aes256gcm16")};
  EXPECT_FALSE(Accepts(&wishes, sa));
}

// API-37: of two SAs the older one, if only that fits.
TEST_F(SocketWishesTest, OutboundTakesTheNewestThatFits) {
  SetSocket(kSocket, kEsp, Level::kRequire);
  const auto& older = AddNamed(kEsp, Direction::kOutbound, "fqdn:a", "fqdn:b");
  const auto& newer = AddNamed(kEsp, Direction::kOutbound, "fqdn:a", "fqdn:c");
  EXPECT_EQ(Taken(), &newer);
  // A warm flow obeys a new wish with its next packet.
  Wish(kSocket, {.peer = Named("fqdn:b")});
  EXPECT_EQ(Taken(), &older);
  Wish(kSocket, {.peer = Named("fqdn:d")});
  EXPECT_EQ(Taken(), nullptr);
  Wish(kSocket, {});
  EXPECT_EQ(Taken(), &newer);
}

// API-18 API-37 API-39
TEST_F(SocketWishesTest, InboundAnSaThatDoesNotFitSatisfiesNothing) {
  SetSocket(kSocket, kEsp, Level::kRequire);
  auto& from_b = AddNamed(kEsp, Direction::kInbound, "fqdn:a", "fqdn:b");
  const Octets packet = FromPeer().Udp(4711, 80, {1});
  Wish(kSocket, {.peer = Named("fqdn:c")});
  EXPECT_EQ(Refusal(packet, PathOf({&from_b})),
            DropReason::kPolicyRequiresEspTransport);
  Wish(kSocket, {.peer = Named("fqdn:b")});
  EXPECT_TRUE(Admit(packet, PathOf({&from_b})).ok());
  Wish(kSocket, {.least_key_bits = 256});
  EXPECT_EQ(Refusal(packet, PathOf({&from_b})),
            DropReason::kPolicyRequiresEspTransport);
}

// Wishes demand no protection: at NONE clear packets come and go.
TEST_F(SocketWishesTest, DemandNothingByThemselves) {
  Wish(kSocket, {.peer = Named("fqdn:b")});
  EXPECT_TRUE(
      std::holds_alternative<Bypass>(Decide(ToPeer().Udp(80, 4711, {1}))));
  EXPECT_TRUE(Admit(FromPeer().Udp(4711, 80, {1})).ok());
}

// API-33
TEST_F(SocketWishesTest, AConnectionInheritsItsListenersWishes) {
  kernel_.Listen(Address(kHere), 80, kListener);
  Wish(kListener, {.peer = Named("fqdn:b")});
  ASSERT_TRUE(Admit(FromPeer().Tcp(4711, 80, 0x02)).ok());
  kernel_.Open(KeyOf(IpProtocol::kTcp), kChild);
  static_cast<void>(Decide(ToPeer().Tcp(80, 4711, 0x12)));
  const SocketPolicyRef child = sockets_.Find(kChild);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->wishes().Load()->peer, Named("fqdn:b"));
  Wish(kListener, {});  // changes nothing for the child
  EXPECT_EQ(child->wishes().Load()->peer, Named("fqdn:b"));
}

TEST_F(SocketWishesTest, RemembersWhichSasProtectTheSocket) {
  SetSocket(kSocket, kEsp, Level::kUse);
  auto& in = AddNamed(kEsp, Direction::kInbound, "fqdn:a", "fqdn:b");
  const auto& out = AddNamed(kEsp, Direction::kOutbound, "fqdn:a", "fqdn:b");
  const ProtectionRecord& record = sockets_.Find(kSocket)->record();
  // Nobody has asked yet.
  ASSERT_TRUE(Admit(FromPeer().Udp(4711, 80, {1}), PathOf({&in})).ok());
  EXPECT_FALSE(record.Find(Direction::kInbound, kEsp));
  Wish(kSocket, {});
  EXPECT_FALSE(record.Find(Direction::kInbound, kEsp));
  const Octets packet = FromPeer().Udp(4711, 80, {1});
  ASSERT_TRUE(Admit(packet, PathOf({&in})).ok());
  ASSERT_EQ(Taken(), &out);
  const auto came = record.Find(Direction::kInbound, kEsp);
  ASSERT_TRUE(came);
  EXPECT_EQ(came->spi, in.parameters().spi);
  EXPECT_EQ(came->peer, Named("fqdn:b"));
  EXPECT_EQ(came->algorithms, "aes-gcm-16");
  EXPECT_EQ(came->key_bits, 128u);
  EXPECT_EQ(record.Find(Direction::kOutbound, kEsp)->spi, out.parameters().spi);
  EXPECT_FALSE(record.Find(Direction::kInbound, kAuth));
  // The last datagram counts: this one came in clear.
  ASSERT_TRUE(Admit(packet).ok());
  EXPECT_FALSE(record.Find(Direction::kInbound, kEsp));
}

// A fragment without a sender may be anybody's.
TEST_F(SocketWishesTest, LaterFragmentsTakeNoSaOnceSomebodyWishes) {
  LevelSet demands;
  demands.Set(kEsp, Level::kRequire);
  SetRoutes({DefaultRoute(demands)});
  AddOutbound(kEsp);
  auto& in = AddInbound(kEsp);
  const Octets out = ToPeer().FragmentOffset(100).Udp(80, 4711, {1});
  const Octets later = FromPeer().FragmentOffset(100).Udp(4711, 80, {1});
  EXPECT_TRUE(std::holds_alternative<Protect>(Decide(out)));
  EXPECT_TRUE(Admit(later, PathOf({&in})).ok());
  Wish(kSocket, {.least_key_bits = 256});
  const Decision decision = Decide(out);
  const auto* dropped = std::get_if<Discard>(&decision);
  ASSERT_NE(dropped, nullptr);
  EXPECT_EQ(dropped->reason, DropReason::kFragment);
  EXPECT_EQ(Refusal(later, PathOf({&in})), DropReason::kFragment);
}

}  // namespace
}  // namespace postern
