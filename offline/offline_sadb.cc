// SPDX-License-Identifier: Apache-2.0

#include "offline/offline_sadb.h"

namespace postern {

Status OfflineSadb::Add(const std::vector<SaParameters>& associations,
                        std::uint64_t first) {
  const SecurityAssociation::Start start{.last_used = first - 1};
  for (const SaParameters& parameters : associations) {
    if (const Status added = sadb_.Add(parameters, start, kNow); !added.ok()) {
      return Error{added.error().code, ToString(parameters.identity()) + ": " +
                                           added.error().message};
    }
  }
  return Ok();
}

}  // namespace postern
