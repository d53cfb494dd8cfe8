/* SPDX-License-Identifier: Apache-2.0 */
/* Must not compile: the two headers' levels differ. */
#include <linux/ipsec.h>
#include <postern/ipsec.h>

int main(void) {
  return 0;
}
