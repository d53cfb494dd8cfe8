// SPDX-License-Identifier: Apache-2.0

#include "policy/wish_octets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/socket_table.h"
#include "tests/unit/policy/memory_journal.h"

namespace postern {
namespace {

std::vector<SocketWishes> Examples() {
  const Identity longest =
      *Identity::Make(IdentityType::kKeyId, std::string(255, 'k'));
  return {{},
          {.mine = Identity::Parse("fqdn:a.example").value()},
          {.peer = Identity::Parse("x509_dn:CN=b, O=c").value(),
           .algorithms = *AlgorithmSet::Parse("aes256gcm16,sha256"),
           .least_key_bits = 256,
           .share = SocketCookie{0xfedcba9876543210}},
          {.mine = longest, .peer = longest}};
}

TEST(WishOctets, AreReadAsTheyWereWritten) {
  for (const SocketWishes& wishes : Examples()) {
    const auto read = WishesIn(OctetsOf(wishes));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, wishes);
    EXPECT_EQ(read->algorithms.text(), wishes.algorithms.text());
  }
}

TEST(WishOctets, AreRefusedCutOrLongerOrOfAnotherVersion) {
  for (const SocketWishes& wishes : Examples()) {
    std::vector<std::uint8_t> octets = OctetsOf(wishes);
    for (std::size_t size = 0; size < octets.size(); ++size) {
      EXPECT_FALSE(WishesIn(ConstBytes(octets).first(size)));
    }
    octets.push_back(0);
    EXPECT_FALSE(WishesIn(octets));
    octets.pop_back();
    octets[0] = 2;
    EXPECT_FALSE(WishesIn(octets));
  }
}

// A daemon that is killed finds them again.
TEST(WishOctets, SurviveInTheJournal) {
  const auto journal = std::make_shared<MemoryJournal>();
  const SocketWishes wishes = Examples()[2];
  {
    SocketTable table;
    ASSERT_TRUE(table.ResumeFrom(journal, Instant()).ok());
    const SocketPolicyRef policy = table.Obtain(SocketCookie{7}).value();
    ASSERT_TRUE(
        policy->SetWishes(std::make_shared<const SocketWishes>(wishes)).ok());
  }
  SocketTable table;
  ASSERT_TRUE(table.ResumeFrom(journal, Instant()).ok());
  const WishesRef found = table.Find(SocketCookie{7})->wishes().Load();
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, wishes);
  EXPECT_TRUE(table.anyone_wishes());
}

// What cannot be read must not be forgotten: the daemon does not start.
TEST(WishOctets, RefuseTheJournalWhenTheyMakeNoSense) {
  const auto journal = std::make_shared<MemoryJournal>();
  ASSERT_TRUE(journal->Add({.cookie = SocketCookie{7}, .wishes = {9, 9}}).ok());
  SocketTable table;
  EXPECT_FALSE(table.ResumeFrom(journal, Instant()).ok());
}

}  // namespace
}  // namespace postern
