// SPDX-License-Identifier: Apache-2.0

#include "policy/need.h"

namespace postern {
namespace {

bool AreSame(const WishesRef& a, const WishesRef& b) {
  const bool binds_a = a && a->binding();
  const bool binds_b = b && b->binding();
  if (!binds_a || !binds_b) {
    return binds_a == binds_b;
  }
  return a == b || (a->mine == b->mine && a->peer == b->peer &&
                    a->algorithms == b->algorithms &&
                    a->least_key_bits == b->least_key_bits);
}

}  // namespace

bool IsSame(const Need& a, const Need& b) {
  return a.Key() == b.Key() && AreSame(a.wishes, b.wishes);
}

SecurityAssociation* FindFor(const Sadb& sadb, const Need& need) {
  const WishFilter filter(need.wishes.get());
  return sadb.FindOutbound(need.Key(), need.traffic(),
                           need.wishes ? &filter : nullptr);
}

}  // namespace postern
