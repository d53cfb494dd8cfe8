// SPDX-License-Identifier: Apache-2.0
//
// Linked into the tests that ctest runs once for each crypto backend: the
// environment's POSTERN_TEST_BACKEND names it. One that is not there here is no
// failure, but nothing is run under its name.

#include <cstdlib>
#include <iostream>

#include "core/crypto/backend.h"

namespace postern {
namespace {

// Before main(), so that parameters of tests are made with the backend, too.
const bool kChosen = [] {
  const char* const name = std::getenv("POSTERN_TEST_BACKEND");
  if (name == nullptr) {
    return true;
  }
  const Result<CryptoBackend> backend = FindBackend(name);
  if (!backend.ok()) {
    std::cerr << backend.error().message << "\n";
    std::_Exit(2);
  }
  if (const Status chosen = ChooseBackend(*backend); !chosen.ok()) {
    std::cout << "skipped: " << chosen.error().message << "\n";
    std::_Exit(77);
  }
  return true;
}();

}  // namespace
}  // namespace postern
