// SPDX-License-Identifier: Apache-2.0

#include "core/identity.h"

#include <gtest/gtest.h>

#include <string>

namespace postern {
namespace {

std::string Read(const std::string& text) {
  const Result<Identity> identity = Identity::Parse(text);
  return identity.ok() ? identity->ToString() : "refused";
}

TEST(Identity, ReadsEveryTypeAndWritesItInOneForm) {
  EXPECT_EQ(Read("prefix:10.9.2.0/24"), "prefix:10.9.2.0/24");
  EXPECT_EQ(Read("prefix:10.9.2.1"), "prefix:10.9.2.1/32");
  EXPECT_EQ(Read("prefix:2001:DB8::1"), "prefix:2001:db8::1/128");
  EXPECT_EQ(Read("fqdn:Host.Example."), "fqdn:host.example");
  EXPECT_EQ(Read("user_fqdn:Root@Host.Example"), "user_fqdn:Root@host.example");
  EXPECT_EQ(Read("x509_dn:CN=a:b, O=Example"), "x509_dn:CN=a:b, O=Example");
  EXPECT_EQ(Read("key_id:4711"), "key_id:4711");
}

TEST(Identity, RefusesWhatIsNotOfItsType) {
  for (const char* text :
       {"", "fqdn", "fqdn:", "host.example", "FQDN:host", "fqdn:a..b",
        "fqdn:.a", "fqdn:a b", "fqdn:.", "fqdn:\xc3\xa4.example",
        "user_fqdn:host", "user_fqdn:@host", "user_fqdn:a@", "prefix:10.9",
        "prefix:10.9.2.1/24", "prefix:10.9.2.0/33", "key_id:a\nb",
        "key_id:a\x7f"}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
  EXPECT_EQ(Read("key_id:" + std::string(255, 'a')),
            "key_id:" + std::string(255, 'a'));
  EXPECT_EQ(Read("key_id:" + std::string(256, 'a')), "refused");
  EXPECT_FALSE(
      Identity::Make(IdentityType::kKeyId, std::string_view("a\0b", 3)).ok());
}

TEST(Identity, ComparesTypeAndText) {
  const auto make = [](IdentityType type, const char* text) {
    return *Identity::Make(type, text);
  };
  EXPECT_EQ(make(IdentityType::kFqdn, "A.example"),
            make(IdentityType::kFqdn, "a.example."));
  EXPECT_NE(make(IdentityType::kFqdn, "a.example"),
            make(IdentityType::kKeyId, "a.example"));
  EXPECT_NE(make(IdentityType::kX509Dn, "CN=a"),
            make(IdentityType::kX509Dn, "CN=A"));
}

}  // namespace
}  // namespace postern
