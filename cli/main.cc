// SPDX-License-Identifier: Apache-2.0

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/run.h"

int main(int count, char** words) {
  try {
    const std::vector<std::string> given(words + (count > 0 ? 1 : 0),
                                         words + count);
    return static_cast<int>(postern::RunPostern(given, std::cout, std::cerr));
  } catch (const std::exception& error) {
    std::cerr << "postern: " << error.what() << "\n";
    return static_cast<int>(postern::ExitStatus::kRefused);
  }
}
