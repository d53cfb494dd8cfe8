// SPDX-License-Identifier: Apache-2.0

#include "bench/instructions/steps.h"

int main() {
  postern::bench::CountAllSteps();
}
