// SPDX-License-Identifier: Apache-2.0

#include "daemon/durable_reserve.h"

#include <utility>

#include "core/seq/sequence_counter.h"

namespace postern {

Result<std::unique_ptr<DurableReserve>> DurableReserve::Open(
    const std::string& directory) {
  Result<SequenceStore> store = SequenceStore::Open(directory);
  if (!store.ok()) {
    return store.error();
  }
  return std::unique_ptr<DurableReserve>(new DurableReserve(std::move(*store)));
}

Result<SecurityAssociation::Start> DurableReserve::Begin(
    const SaParameters& parameters) {
  const Result<KeyFingerprint> key = store_.Fingerprint(parameters);
  if (!key.ok()) {
    return key.error();
  }
  Result<SecurityAssociation::Start> start =
      store_.Begin(*key, SequenceStore::kDefaultBlock,
                   SequenceCounter::Limit(parameters.numbers));
  if (start.ok()) {
    keys_.insert_or_assign(parameters.identity(), *key);
  }
  return start;
}

Result<std::uint64_t> DurableReserve::Extend(const SaIdentity& identity,
                                             std::uint64_t reserved) {
  const auto found = keys_.find(identity);
  if (found == keys_.end()) {
    return Error{ErrorCode::kNotFound, "no numbers are set aside for the SA " +
                                           ToString(identity) +
                                           ": add it first."};
  }
  // Cut to the SA's largest number by the store.
  constexpr std::uint64_t kBlock = SequenceStore::kDefaultBlock;
  return store_.Extend(found->second, reserved > ~kBlock ? ~std::uint64_t{0}
                                                         : reserved + kBlock);
}

void DurableReserve::End(const SaIdentity& identity) {
  const auto found = keys_.find(identity);
  if (found != keys_.end()) {
    store_.End(found->second);
    keys_.erase(found);
  }
}

}  // namespace postern
